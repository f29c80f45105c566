/** The board of a sweep: read once, then kept up. While it is paused, and after its end, that takes a look now and then. */
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SweepRecord, TrialGlance } from '../core/records.js';
import type { TrialChange, WorkerState } from '../core/watch-event.js';
import type { PlaneView } from '../observe/plane-view.js';
import { Board, STATES } from './board.js';

/** Between these, everybody else of this process has a turn. */
const TRIALS_PER_TURN = 500;

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
  /** Its trials are not those of the sweep any more, or could not be read again. */
  #isOutdated = false;
  /** Something may have happened that it was not told of. */
  #isBehind = false;
  #unwatch: () => void = () => {};
  /** Told while the trials are being read; `null`: they are not. */
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
    try {
      for await (const trials of inTurns(view.journal.glances(record.sweep))) {
        for (const each of trials) live.board.add(each);
      }
    } catch (reason) {
      live.close();
      throw reason;
    }
    live.board.complete();
    live.#applyEarly();
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

  /** Whether its trials are still those of the sweep. Follows a sweep again that goes on after a pause or an end. */
  isCurrent(): boolean {
    if (this.#isClosed) return !this.#isOutdated;
    const record = this.#view.journal.sweep(this.sweep);
    if (
      record === null ||
      record.total !== this.board.size ||
      record.submittedAtUnixMs !== this.#record.submittedAtUnixMs
    ) {
      this.#outdate();
      return false;
    }
    const hasMoved = !sameCounts(record, this.#record);
    if (hasMoved || !sameStanding(record, this.#record)) this.#stirWorkers();
    this.#record = record;
    if (this.#isWatching) return true;
    // Of a paused sweep this ends at once and says nothing, which costs less than knowing when to try.
    if (isOpen(record)) this.#watch();
    if (this.#isWatching || hasMoved) this.#isBehind = true;
    this.#catchUp().catch(() => this.#outdate());
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

  /** What happens is told at once. */
  get isLive(): boolean {
    return this.#isWatching;
  }

  get isClosed(): boolean {
    return this.#isClosed;
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
      if (this.#workers.size === 0) return;
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

  #outdate(): void {
    this.#isOutdated = true;
    this.close();
  }

  /** What happened while nothing was told: only differences count as changes. */
  async #catchUp(): Promise<void> {
    if (this.#early !== null) return; // it is being read, and will be once more where that is needed
    while (this.#isBehind) {
      this.#isBehind = false;
      this.#early = [];
      for await (const trials of inTurns(this.#view.journal.glances(this.sweep))) {
        if (this.#isClosed) return;
        const corrected = trials.filter((each) => this.#correct(each));
        if (corrected.length > 0) this.#stir();
      }
      this.#applyEarly();
      this.#stir();
    }
  }

  /** Whether it was another than it is. */
  #correct({ trialId, state, attempts, failure, result }: TrialGlance): boolean {
    const place = this.board.placeOf(trialId);
    if (place === undefined || this.board.stateAt(place) === state) return false;
    return this.board.apply({ trialId, state, attempt: attempts, workerId: '', failure, result });
  }

  #applyEarly(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const change of early) this.board.apply(change);
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

/** Something of it waits or runs. */
export function isOpen({ counts }: SweepRecord): boolean {
  return counts.queued + counts.running > 0;
}

function sameCounts({ counts: a }: SweepRecord, { counts: b }: SweepRecord): boolean {
  return STATES.every((state) => a[state] === b[state]);
}

function sameStanding(a: SweepRecord, b: SweepRecord): boolean {
  return a.standing.state === b.standing.state && a.standing.reason === b.standing.reason;
}
