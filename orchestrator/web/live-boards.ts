/**
 * The boards that somebody looks at, or is likely to. One of a sweep that is paused or has ended is forgotten a while
 * after the last look.
 */
import type { Logger } from 'pino';
import type { PlaneView } from '../observe/plane-view.js';
import { isOpen, LiveBoard } from './live-board.js';

const LOOK_EVERY_MS = 1_000;
const FORGET_AFTER_MS = 60_000;
const MOST_AHEAD = 200_000;

interface KnownBoard {
  readonly board: Promise<LiveBoard>;
  lookedAtMs: number;
}

export class LiveBoards {
  readonly #view: PlaneView;
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #boards = new Map<string, KnownBoard>();
  readonly #timer: NodeJS.Timeout;
  #hasComplained = false;

  constructor(view: PlaneView, logger: Logger, nowMs: () => number = () => performance.now()) {
    this.#view = view;
    this.#logger = logger;
    this.#nowMs = nowMs;
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  /** `null`: there is no such sweep. */
  async of(sweep: string): Promise<LiveBoard | null> {
    const known = this.#boards.get(sweep);
    if (known !== undefined) {
      known.lookedAtMs = this.#nowMs();
      const board = await known.board;
      if (board.isCurrent()) return board;
      this.#forget(sweep, known);
    }
    return this.#boards.get(sweep)?.board ?? this.#read(sweep);
  }

  /** How many are kept. */
  get size(): number {
    return this.#boards.size;
  }

  /** Reads ahead, keeps up what is kept, and forgets the rest. Its own timer calls it. */
  async look(): Promise<void> {
    try {
      this.#readAhead();
      for (const [sweep, known] of this.#boards) {
        const board = await known.board.catch(() => null);
        if (board !== null) this.#lookAt(board, sweep, known);
      }
      this.#hasComplained = false;
    } catch (reason) {
      if (isClosedJournal(reason)) clearInterval(this.#timer);
      else this.#complain(reason);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const { board } of this.#boards.values()) (await board.catch(() => null))?.close();
    this.#boards.clear();
  }

  /** The newest that goes on is the likeliest to be looked at, and a large one takes a second or two to read. */
  #readAhead(): void {
    const next = this.#view.journal.sweeps().find((record) => isOpen(record) && record.standing.state === 'active');
    if (next === undefined || next.total > MOST_AHEAD || this.#boards.has(next.sweep)) return;
    this.of(next.sweep).catch(() => {});
  }

  async #read(sweep: string): Promise<LiveBoard | null> {
    const record = this.#view.journal.sweep(sweep);
    if (record === null) return null;
    const known = { board: LiveBoard.read(this.#view, record), lookedAtMs: this.#nowMs() };
    this.#boards.set(sweep, known);
    known.board.catch(() => this.#forget(sweep, known));
    return known.board;
  }

  #lookAt(board: LiveBoard, sweep: string, known: KnownBoard): void {
    if (board.isWatched) known.lookedAtMs = this.#nowMs();
    const isForgotten = this.#nowMs() - known.lookedAtMs > FORGET_AFTER_MS && !board.isLive;
    if (isForgotten) board.close();
    if (isForgotten || !board.isCurrent()) this.#forget(sweep, known);
  }

  /** Once until it goes well again: it is tried every second. */
  #complain(reason: unknown): void {
    if (!this.#hasComplained) this.#logger.error({ err: reason }, 'the boards of sweeps are not kept up');
    this.#hasComplained = true;
  }

  /** Unless another has taken its place meanwhile. */
  #forget(sweep: string, known: KnownBoard): void {
    if (this.#boards.get(sweep) === known) this.#boards.delete(sweep);
  }
}

/** Its driver's own word: the control plane that it was of has ended, and nothing more will happen. */
function isClosedJournal(reason: unknown): boolean {
  return reason instanceof TypeError && reason.message === 'The database connection is not open';
}
