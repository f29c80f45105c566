/** A running sweep on a terminal: how far it is, and what each worker does, below the lines that tell of trials. */
import { printable } from '../../core/text.js';
import type { TrialProgress } from '../../core/trial-progress.js';
import type { WatchEvent } from '../../core/watch-event.js';
import { duration } from '../../reports/format.js';
import { type Paint, painterFor } from '../output.js';
import { apply, doingWords, type ProgressDisplay } from './progress-lines.js';
import { fitted, StatusBlock } from './status-block.js';
import type { SweepProgress } from './sweep-progress.js';

const REDRAW_EVERY_MS = 250;
/** The estimate looks at every waiting trial, hence not at every redraw. */
const ESTIMATE_EVERY_MS = 1_000;
const MAX_SLOTS = 16;
/** Of a worker's name; more of it would leave no room for what it does. */
const MAX_NAME = 24;
/** From so many columns on there is room for a bar of so many; narrower terminals have none. */
const BARS = [
  { columns: 69, size: 16 },
  { columns: 29, size: 6 },
];

interface Slot {
  readonly workerId: string;
  /** `null`: it is idle. */
  readonly progress: TrialProgress | null;
}

export class LiveProgress implements ProgressDisplay {
  readonly #state: SweepProgress;
  readonly #stream: NodeJS.WriteStream;
  readonly #block: StatusBlock;
  readonly #paint: Paint;
  readonly #timer: NodeJS.Timeout;
  #isStale = true;
  #estimatedMs = Number.NEGATIVE_INFINITY;
  #secondsLeft: number | null = null;
  readonly #onResize = () => this.#draw();

  constructor(state: SweepProgress, stream: NodeJS.WriteStream = process.stderr) {
    this.#state = state;
    this.#stream = stream;
    this.#block = new StatusBlock(stream);
    this.#paint = painterFor(stream);
    this.#draw();
    this.#timer = setInterval(() => this.#tick(), REDRAW_EVERY_MS);
    stream.on('resize', this.#onResize);
  }

  update(event: WatchEvent): void {
    const line = apply(this.#state, event);
    this.#isStale = true;
    if (line !== null && event.kind === 'trial' && event.trial.state !== 'running') this.say(line);
  }

  say(line: string): void {
    this.#draw(printable(line));
  }

  end(): void {
    clearInterval(this.#timer);
    this.#stream.off('resize', this.#onResize);
    this.#block.end([this.#sweepLine()]);
  }

  #tick(): void {
    if (this.#isStale || performance.now() - this.#estimatedMs >= ESTIMATE_EVERY_MS) this.#draw();
  }

  #draw(above = ''): void {
    this.#isStale = false;
    this.#block.draw([this.#sweepLine(), ...this.#workerLines()].slice(0, this.#block.mostLines), above);
  }

  #sweepLine(): string {
    const { counts, total } = this.#state;
    const { succeeded, failed, cancelled, running, queued } = counts;
    const done = succeeded + failed + cancelled;
    const parts = [
      `${succeeded}/${total} done`,
      `${running} running`,
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
      `${queued} left`,
      ...(running + queued === 0 ? [] : [this.#timeLeft()]),
    ];
    const bar = this.#bar(total === 0 ? 1 : done / total, (full) => this.#paint('green', full));
    const text = fitted(parts.join(' · '), this.#room());
    return `${bar}${failed > 0 ? text.replace(/\d+ failed/, (found) => this.#paint('red', found)) : text}`;
  }

  #timeLeft(): string {
    const nowMs = performance.now();
    if (nowMs - this.#estimatedMs >= ESTIMATE_EVERY_MS) {
      this.#secondsLeft = this.#state.secondsLeft(nowMs);
      this.#estimatedMs = nowMs;
    }
    if (this.#secondsLeft === null) return 'time left unknown';
    return `about ${this.#secondsLeft < 60 ? `${Math.ceil(this.#secondsLeft)} s` : duration(this.#secondsLeft)} left`;
  }

  /** A line for each slot; by name, so that each stays where it is. */
  #workerLines(): readonly string[] {
    const all = [...this.#state.workers]
      .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
      .flatMap(([workerId, slots]) => slots.map((progress): Slot => ({ workerId, progress })));
    const most = Math.min(MAX_SLOTS, this.#block.mostLines - 1);
    const shown = all.length > most ? all.slice(0, Math.max(0, most - 1)) : all;
    const [nameWidth, stepsWidth] = [
      Math.min(MAX_NAME, Math.max(0, ...shown.map(({ workerId }) => workerId.length))),
      Math.max(0, ...shown.map(({ progress }) => stepsOf(progress).length)),
    ];
    const lines = shown.map(({ workerId, progress }) => {
      const name = fitted(workerId, nameWidth).padEnd(nameWidth);
      const text = fitted(`${name} ${stepsOf(progress).padStart(stepsWidth)} ${this.#doingOf(progress)}`, this.#room());
      const share = progress === null ? 0 : progress.step / Math.max(1, progress.maxSteps);
      return `${this.#bar(share)}${progress === null ? this.#paint('dim', text) : text}`;
    });
    const more = all.length - shown.length;
    if (more > 0) lines.push(this.#paint('dim', fitted(`and ${more} more`, this.#block.columns)));
    return lines;
  }

  /** What matters most first: the end is what a narrow terminal leaves out. */
  #doingOf(progress: TrialProgress | null): string {
    if (progress === null) return 'idle';
    const { trialId } = progress;
    const name = this.#state.nameOf(trialId) ?? `trial ${trialId.slice(0, 8)} of another sweep`;
    return printable([name, ...doingWords(progress)].join(' · '));
  }

  /** With the space behind it. */
  #bar(share: number, paintFull = (full: string) => full): string {
    const size = this.#barSize();
    const full = Math.round(Math.min(1, Math.max(0, share)) * size);
    return size === 0 ? '' : `${paintFull('█'.repeat(full))}${this.#paint('dim', '░'.repeat(size - full))} `;
  }

  #barSize(): number {
    return BARS.find(({ columns }) => this.#block.columns >= columns)?.size ?? 0;
  }

  /** Beside the bar. */
  #room(): number {
    const size = this.#barSize();
    return this.#block.columns - (size === 0 ? 0 : size + 1);
  }
}

function stepsOf(progress: TrialProgress | null): string {
  return progress === null ? '' : `${progress.step}/${progress.maxSteps}`;
}
