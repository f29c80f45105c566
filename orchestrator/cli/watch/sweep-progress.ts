/** What a progress display knows: folded from watch events, with an estimate of the time left. */
import type { Trial, TrialSettings, TrialState } from '../../core/domain.js';
import type { TrialProgress } from '../../core/trial-progress.js';
import { NO_TRIALS, type StateCounts, type WatchEvent, type WorkerState } from '../../core/watch-event.js';
import { type NameTrial, trialNames } from './trial-names.js';

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
  step: number;
  /** What was heard first of the attempt that runs, which may have begun long before; `null`: nothing. */
  first: { readonly step: number; readonly atMs: number } | null;
}

/**
 * Time left is simulated: waiting trials go, in order, to the slot that is free first. What a trial takes is
 * its work times the seconds per unit of work that trials of the same model took, or, before one has finished,
 * that the running ones have taken since something was heard of them.
 */
export class SweepProgress {
  readonly #entries = new Map<string, Entry>();
  readonly #nameTrial: NameTrial;
  readonly #slots = new Map<string, readonly (TrialProgress | null)[]>();
  readonly #measured = new Map<string, { seconds: number; work: number }>();
  readonly #counts: Record<TrialState, number> = { ...NO_TRIALS };

  /** `stateOf`: how each trial stands before the first event. */
  constructor(trials: readonly Trial[], stateOf: (trialId: string) => TrialState) {
    for (const { trialId, settings } of trials) {
      const state = stateOf(trialId);
      this.#entries.set(trialId, { settings, work: workOf(settings), state, step: 0, first: null });
      this.#counts[state] += 1;
    }
    this.#nameTrial = trialNames(trials.map(({ settings }) => settings));
  }

  get total(): number {
    return this.#entries.size;
  }

  get counts(): StateCounts {
    return { ...this.#counts };
  }

  /** What each worker runs, slot by slot: a trial keeps its slot until it ends; `null`: nothing. */
  get workers(): ReadonlyMap<string, readonly (TrialProgress | null)[]> {
    return this.#slots;
  }

  /** `null`: it is not of this sweep. */
  nameOf(trialId: string): string | null {
    const entry = this.#entries.get(trialId);
    return entry === undefined ? null : this.#nameTrial(entry.settings);
  }

  /** Whether a trial's state is another one now. */
  apply(event: WatchEvent, nowMs: number): boolean {
    if (event.kind === 'worker') this.#hearWorker(event.worker, nowMs);
    if (event.kind !== 'trial') return false;
    const { trialId, state, result } = event.trial;
    const entry = this.#entries.get(trialId);
    if (entry === undefined || entry.state === state) return false;
    if (state === 'running') [entry.step, entry.first] = [0, null];
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
    const slots = [...this.#slots.values()].reduce((sum, { length }) => sum + length, 0);
    while (free.length < Math.max(1, slots)) free.push(0);
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

  #hearWorker({ workerId, slots, running, gone }: WorkerState, nowMs: number): void {
    if (gone) this.#slots.delete(workerId);
    else this.#slots.set(workerId, placed(running, this.#slots.get(workerId) ?? [], slots));
    for (const { trialId, step } of running) {
      const entry = this.#entries.get(trialId);
      if (entry === undefined || step === 0) continue;
      entry.step = step;
      entry.first ??= { step, atMs: nowMs };
    }
  }

  #measure({ settings, work }: Entry, seconds: number): void {
    const sum = this.#measured.get(settings.model) ?? { seconds: 0, work: 0 };
    this.#measured.set(settings.model, { seconds: sum.seconds + seconds, work: sum.work + work });
  }

  /** Seconds per unit of work. */
  #rates(running: readonly Entry[], nowMs: number): { byModel: ReadonlyMap<string, number>; all: number } | null {
    const sums = new Map(this.#measured);
    for (const entry of running) {
      const { first, step, work, settings } = entry;
      const { model, max_steps } = settings;
      if (this.#measured.has(model) || first === null || step <= first.step) continue;
      const sum = sums.get(model) ?? { seconds: 0, work: 0 };
      sums.set(model, {
        seconds: sum.seconds + (nowMs - first.atMs) / 1000,
        work: sum.work + (work * (step - first.step)) / max_steps,
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

/** Where each was before, and whoever is new where nothing is. */
function placed(
  running: readonly TrialProgress[],
  before: readonly (TrialProgress | null)[],
  slots: number,
): readonly (TrialProgress | null)[] {
  const stays = before.map((each) => running.find(({ trialId }) => trialId === each?.trialId) ?? null);
  const come = running.filter((each) => !stays.includes(each));
  const all = stays.map((each) => each ?? come.shift() ?? null);
  all.push(...come); // which may be one too many, for a moment
  while (all.length < slots) all.push(null);
  while (all.length > slots && all.at(-1) === null) all.pop();
  return all;
}

function progressOf({ step, settings }: Entry): number {
  return Math.min(1, step / settings.max_steps);
}
