/** What a progress display knows: folded from watch events, with an estimate of the time left. */
import type { Trial, TrialSettings, TrialState } from '../../core/domain.js';
import type { StateCounts, WatchEvent, WorkerState } from '../../core/watch-event.js';
import { NO_TRIALS } from '../../core/watch-event.js';

/** Rows through the model: step-by-step reads each row twice. */
export function workOf({ max_steps, batch_size, grad_steps, model_type }: TrialSettings): number {
  return max_steps * batch_size * grad_steps * (model_type === 'task_prefix' ? 2 : 1);
}

/** Looks at a worker; this many take some milliseconds. */
const MAX_SIMULATED = 500_000;

interface Entry {
  readonly settings: TrialSettings;
  readonly work: number;
  state: TrialState;
  startedMs: number;
  step: number;
}

/**
 * Time left is simulated: waiting trials go, in order, to the worker that is free first. What a trial takes is
 * its work times the seconds per unit of work that trials of the same model took, or, before one has
 * finished, that the running ones take.
 */
export class SweepProgress {
  readonly #entries = new Map<string, Entry>();
  readonly #workers = new Map<string, WorkerState>();
  readonly #measured = new Map<string, { seconds: number; work: number }>();
  readonly #counts: Record<TrialState, number> = { ...NO_TRIALS };

  /** `stateOf`: how each trial stands before the first event. */
  constructor(trials: readonly Trial[], stateOf: (trialId: string) => TrialState) {
    for (const { trialId, settings } of trials) {
      const state = stateOf(trialId);
      this.#entries.set(trialId, { settings, work: workOf(settings), state, startedMs: 0, step: 0 });
      this.#counts[state] += 1;
    }
  }

  get total(): number {
    return this.#entries.size;
  }

  get counts(): StateCounts {
    return { ...this.#counts };
  }

  get workers(): readonly WorkerState[] {
    return [...this.#workers.values()];
  }

  settingsOf(trialId: string): TrialSettings | null {
    return this.#entries.get(trialId)?.settings ?? null;
  }

  /** Whether a trial's state is another one now. */
  apply(event: WatchEvent, nowMs: number): boolean {
    if (event.kind === 'worker') this.#hearWorker(event.worker);
    if (event.kind !== 'trial') return false;
    const { trialId, state, result } = event.trial;
    const entry = this.#entries.get(trialId);
    if (entry === undefined || entry.state === state) return false;
    if (state === 'running') [entry.startedMs, entry.step] = [nowMs, 0];
    if (state === 'succeeded' && result !== null) this.#measure(entry, result.seconds);
    this.#counts[entry.state] -= 1;
    this.#counts[state] += 1;
    entry.state = state;
    return true;
  }

  /** `null` while there is nothing to go by. */
  secondsLeft(nowMs: number): number | null {
    const running = [...this.#entries.values()].filter(({ state }) => state === 'running');
    const rates = this.#rates(running, nowMs);
    if (rates === null) return null;
    const rateOf = ({ settings }: Entry) => rates.byModel.get(settings.model) ?? rates.all;
    const free = running.map((entry) => entry.work * (1 - progressOf(entry)) * rateOf(entry));
    while (free.length < Math.max(1, this.#workers.size)) free.push(0);
    const waiting = [...this.#entries.values()].filter(({ state }) => state === 'queued');
    // Of so many, how they fall to the workers makes no difference that anybody would see.
    if (waiting.length * free.length > MAX_SIMULATED) {
      const all = [...free, ...waiting.map((entry) => entry.work * rateOf(entry))];
      return all.reduce((sum, seconds) => sum + seconds, 0) / free.length;
    }
    for (const entry of waiting) {
      const first = free.indexOf(Math.min(...free));
      free[first] = (free[first] ?? 0) + entry.work * rateOf(entry);
    }
    return Math.max(...free);
  }

  #hearWorker(worker: WorkerState): void {
    if (worker.gone) this.#workers.delete(worker.workerId);
    else this.#workers.set(worker.workerId, worker);
    const entry = this.#entries.get(worker.trialId);
    if (entry !== undefined) entry.step = worker.step;
  }

  #measure({ settings, work }: Entry, seconds: number): void {
    const sum = this.#measured.get(settings.model) ?? { seconds: 0, work: 0 };
    this.#measured.set(settings.model, { seconds: sum.seconds + seconds, work: sum.work + work });
  }

  /** Seconds per unit of work. */
  #rates(running: readonly Entry[], nowMs: number): { byModel: ReadonlyMap<string, number>; all: number } | null {
    const sums = new Map(this.#measured);
    for (const entry of running) {
      const { model } = entry.settings;
      if (this.#measured.has(model) || entry.step === 0) continue;
      const sum = sums.get(model) ?? { seconds: 0, work: 0 };
      sums.set(model, {
        seconds: sum.seconds + (nowMs - entry.startedMs) / 1000,
        work: sum.work + entry.work * progressOf(entry),
      });
    }
    let [seconds, work] = [0, 0];
    for (const sum of sums.values()) [seconds, work] = [seconds + sum.seconds, work + sum.work];
    if (work === 0) return null;
    return {
      byModel: new Map([...sums].map(([model, sum]) => [model, sum.seconds / sum.work])),
      all: seconds / work,
    };
  }
}

function progressOf({ step, settings }: Entry): number {
  return Math.min(1, step / settings.max_steps);
}
