/** Bars on a terminal: the sweep, and each worker's trial. */
import { MultiBar, type SingleBar } from 'cli-progress';
import { printable, wrapped } from '../core/text.js';
import type { WatchEvent, WorkerState } from '../core/watch-event.js';
import { duration } from '../reports/format.js';
import { apply, type ProgressDisplay, trialName } from './progress-lines.js';
import type { SweepProgress } from './sweep-progress.js';

const REDRAWS_PER_SECOND = 4;
/** The estimate looks at every waiting trial, hence not at every event. */
const ESTIMATE_EVERY_MS = 1_000;
const MAX_BARS = 16;

export class LiveProgress implements ProgressDisplay {
  readonly #state: SweepProgress;
  readonly #bars: MultiBar;
  readonly #sweep: SingleBar;
  readonly #workers = new Map<string, SingleBar>();
  readonly #timer: NodeJS.Timeout;
  readonly #redraw = () => this.#bars.update();

  constructor(state: SweepProgress) {
    this.#state = state;
    this.#bars = new MultiBar({
      format: '{text}',
      fps: REDRAWS_PER_SECOND,
      hideCursor: true,
      // Ctrl-C is ours: the sweep drains first.
      gracefulExit: false,
      clearOnComplete: false,
      autopadding: false,
      linewrap: false,
      // Without it, bars whose text is the same are not drawn again below a line that has pushed them down.
      forceRedraw: true,
      stream: process.stderr,
      barCompleteChar: '█',
      barIncompleteChar: '░',
    });
    this.#sweep = this.#bars.create(Math.max(1, state.total), 0, { text: '' }, { format: '{bar} {text}', barsize: 16 });
    this.#timer = setInterval(() => this.#drawSweep(), ESTIMATE_EVERY_MS);
    this.#drawSweep();
    process.stderr.on('resize', this.#redraw);
  }

  update(event: WatchEvent): void {
    const line = apply(this.#state, event);
    if (line !== null && event.kind === 'trial' && event.trial.state !== 'running') this.say(line);
    if (event.kind === 'worker') this.#drawWorker(event.worker);
    if (event.kind === 'trial') this.#drawSweep();
  }

  say(line: string): void {
    // The terminal's own wrapping is off while bars are shown.
    this.#bars.log(`${wrapped(printable(line), process.stderr.columns ?? 80)}\n`);
  }

  end(): void {
    clearInterval(this.#timer);
    process.stderr.off('resize', this.#redraw);
    this.#drawSweep();
    for (const bar of this.#workers.values()) this.#bars.remove(bar);
    this.#bars.stop();
  }

  #drawSweep(): void {
    const { succeeded, failed, cancelled, running, queued } = this.#state.counts;
    const left = this.#state.secondsLeft(performance.now());
    const parts = [
      `${succeeded}/${this.#state.total} done`,
      `${running} running`,
      ...(failed > 0 ? [`${failed} failed`] : []),
      `${queued} left`,
      ...(running + queued === 0 ? [] : [left === null ? 'time left unknown' : `about ${duration(left)} left`]),
    ];
    this.#sweep.update(succeeded + failed + cancelled, { text: parts.join(' · ') });
  }

  #drawWorker(worker: WorkerState): void {
    const { workerId, gone } = worker;
    const known = this.#workers.get(workerId);
    if (gone) {
      if (known !== undefined) this.#bars.remove(known);
      this.#workers.delete(workerId);
      return;
    }
    if (known === undefined && this.#workers.size >= MAX_BARS) return;
    const total = Math.max(1, worker.maxSteps);
    const bar = known ?? this.#bars.create(total, 0, { text: '' }, { format: '{bar} {text}', barsize: 16 });
    this.#workers.set(workerId, bar);
    bar.setTotal(total);
    bar.update(Math.min(worker.step, total), { text: printable(this.#workerText(worker)) });
  }

  #workerText({ workerId, trialId, step, maxSteps, loss, examplesPerSecond, phase }: WorkerState): string {
    if (trialId === '') return `${workerId} idle`;
    const settings = this.#state.settingsOf(trialId);
    const parts = [
      `${workerId} ${settings === null ? trialId.slice(0, 8) : trialName(settings)}`,
      `step ${step}/${maxSteps}`,
      ...(step > 0 ? [`loss ${loss.toPrecision(4)}`, `${Math.round(examplesPerSecond)} examples/s`] : []),
      ...(phase === 'train' || phase === '' ? [] : [phase]),
    ];
    return parts.join(' · ');
  }
}
