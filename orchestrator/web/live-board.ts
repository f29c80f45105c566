/** Boards that somebody looks at: read once, then kept up, and forgotten a while after the last look. */
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SweepRecord, TrialGlance } from '../core/records.js';
import type { TrialChange, WorkerState } from '../core/watch-event.js';
import type { PlaneView } from '../observe/plane-view.js';
import { Board, STATES } from './board.js';

/** Between these, everybody else of this process has a turn. */
const TRIALS_PER_TURN = 500;
const LOOK_EVERY_MS = 1_000;
const FORGET_AFTER_MS = 60_000;
const MOST_AHEAD = 200_000;

export class LiveBoard {
  readonly board: Board;
  readonly sweep: string;
  readonly #view: PlaneView;
  readonly #workers = new Map<string, WorkerState>();
  readonly #waiting = new Set<() => void>();
  #workersVersion = 1;
  #record: SweepRecord;
  #isWatching = false;
  #isClosed = false;
  #unwatch: () => void = () => {};
  /** Told while the trials are still being read. */
  #early: TrialChange[] | null = [];

  private constructor(view: PlaneView, record: SweepRecord) {
    this.#view = view;
    this.#record = record;
    this.sweep = record.sweep;
    this.board = new Board(randomBytes(6).toString('hex'), record.total);
    this.#watch();
  }

  static async read(view: PlaneView, record: SweepRecord): Promise<LiveBoard> {
    const live = new LiveBoard(view, record);
    for await (const trials of inTurns(view.journal.glances(record.sweep))) {
      for (const each of trials) live.board.add(each);
    }
    live.board.complete();
    const early = live.#early ?? [];
    live.#early = null;
    for (const change of early) live.board.apply(change);
    return live;
  }

  get record(): SweepRecord {
    return this.#record;
  }

  get workers(): readonly WorkerState[] {
    return [...this.#workers.values()];
  }

  /** Of workers and of how the sweep stands. */
  get standingVersion(): number {
    return this.#workersVersion;
  }

  /** Whether its trials are still those of the sweep. Follows a sweep again that goes on after an end. */
  isCurrent(): boolean {
    const record = this.#view.journal.sweep(this.sweep);
    if (
      record === null ||
      record.total !== this.board.size ||
      record.submittedAtUnixMs !== this.#record.submittedAtUnixMs
    ) {
      this.close();
      return false;
    }
    const isOpen = record.counts.queued + record.counts.running > 0;
    const hasMoved = !sameCounts(record, this.#record);
    if (hasMoved || !sameStanding(record, this.#record)) this.#stirWorkers();
    this.#record = record;
    if (this.#isWatching) return true;
    if (isOpen) this.#watch();
    if (isOpen || hasMoved) this.#reread().catch(() => this.close());
    return true;
  }

  /** Resolves when there may be something new, when the signal is aborted, and after that time with false. */
  stirred(signal: AbortSignal, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(true);
      const end = (isStirred: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve(isStirred);
      };
      const done = () => end(true);
      const timer = setTimeout(end, withinMs, false).unref();
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Something of it waits or runs. */
  get isOpen(): boolean {
    const { queued, running } = this.#record.counts;
    return queued + running > 0;
  }

  get isWatched(): boolean {
    return this.#waiting.size > 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.#isWatching = false;
    this.#stir();
  }

  #watch(): void {
    this.#isWatching = true;
    const ended = () => {
      this.#isWatching = false;
      this.#workers.clear();
      this.#stirWorkers();
    };
    this.#unwatch = this.#view.watch(this.sweep, {
      tell: (event) => {
        if (event.kind === 'trial') {
          if (this.#early !== null) this.#early.push(event.trial);
          else if (this.board.apply(event.trial)) this.#stir();
        } else if (event.kind === 'worker') {
          const { worker } = event;
          if (worker.gone) this.#workers.delete(worker.workerId);
          else this.#workers.set(worker.workerId, worker);
          this.#stirWorkers();
        } else if (event.kind === 'summary') {
          this.#record = { ...this.#record, counts: event.summary.counts, total: event.summary.total };
          this.#stirWorkers();
        }
      },
      end: ended,
      fail: ended,
    });
  }

  /** What happened between two watches: only differences count as changes. */
  async #reread(): Promise<void> {
    for await (const trials of inTurns(this.#view.journal.glances(this.sweep))) {
      if (this.#isClosed) return;
      for (const { trialId, state, attempts, failure, result } of trials) {
        const place = this.board.placeOf(trialId);
        if (place === undefined || this.board.stateAt(place) === state) continue;
        this.board.apply({ trialId, state, attempt: attempts, workerId: '', failure, result });
      }
      this.#stir();
    }
  }

  #stirWorkers(): void {
    this.#workersVersion += 1;
    this.#stir();
  }

  #stir(): void {
    for (const call of [...this.#waiting]) call();
  }
}

async function* inTurns(trials: Iterable<TrialGlance>): AsyncIterable<readonly TrialGlance[]> {
  let turn: TrialGlance[] = [];
  for (const each of trials) {
    if (turn.push(each) < TRIALS_PER_TURN) continue;
    yield turn;
    turn = [];
    await nextTurn();
  }
  yield turn;
}

export class LiveBoards {
  readonly #view: PlaneView;
  readonly #boards = new Map<string, { readonly board: Promise<LiveBoard>; lookedAtMs: number }>();
  readonly #timer: NodeJS.Timeout;

  constructor(view: PlaneView) {
    this.#view = view;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  /** `null`: there is no such sweep. */
  async of(sweep: string): Promise<LiveBoard | null> {
    const known = this.#boards.get(sweep);
    if (known !== undefined) {
      known.lookedAtMs = performance.now();
      const board = await known.board;
      if (board.isCurrent()) return board;
      this.#boards.delete(sweep);
    }
    const record = this.#view.journal.sweep(sweep);
    if (record === null) return null;
    const board = LiveBoard.read(this.#view, record);
    this.#boards.set(sweep, { board, lookedAtMs: performance.now() });
    board.catch(() => this.#boards.delete(sweep));
    return board;
  }

  /** How many somebody looks at or looked at a moment ago. */
  get size(): number {
    return this.#boards.size;
  }

  /** The newest that goes on is the likeliest to be looked at, and a large one takes a second or two to read. */
  #readAhead(): void {
    const open = this.#view.journal.sweeps().find(({ counts }) => counts.queued + counts.running > 0);
    if (open === undefined || open.total > MOST_AHEAD || this.#boards.has(open.sweep)) return;
    this.of(open.sweep).catch(() => {});
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const { board } of this.#boards.values()) (await board.catch(() => null))?.close();
    this.#boards.clear();
  }

  async #look(): Promise<void> {
    this.#readAhead();
    for (const [sweep, known] of this.#boards) {
      const board = await known.board.catch(() => null);
      if (board === null) continue;
      if (board.isWatched) known.lookedAtMs = performance.now();
      const isForgotten = performance.now() - known.lookedAtMs > FORGET_AFTER_MS && !board.isOpen;
      if (isForgotten) board.close();
      if (isForgotten || !board.isCurrent()) this.#boards.delete(sweep);
    }
  }
}

function sameCounts({ counts: a }: SweepRecord, { counts: b }: SweepRecord): boolean {
  return STATES.every((state) => a[state] === b[state]);
}

function sameStanding(a: SweepRecord, b: SweepRecord): boolean {
  return a.standing.state === b.standing.state && a.standing.reason === b.standing.reason;
}
