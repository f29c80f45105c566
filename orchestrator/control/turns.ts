/**
 * Turns of the control plane: observe, decide, act. What arrives within one turn of the event loop is
 * written in one transaction together with the decisions that follow from it, and nothing is said to
 * anybody before that transaction is durable. The snapshot runs ahead of the commit by that moment,
 * which is safe since a commit that fails ends this control plane.
 */
import type { Logger } from 'pino';
import { diskTroubleOf } from '../core/disk-trouble.js';
import { SweepError } from '../core/errors.js';
import type { JournalEvent } from '../core/events.js';
import { Snapshot } from '../core/schedule/snapshot.js';
import type { Journal } from '../journal/journal.js';
import type { Clock, Timer } from './clock.js';
import { failpoint } from './failpoints.js';

export interface TurnParts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leaseMs: number;
  /** Within the turn's transaction: carry out what `decide` says. */
  readonly decide: () => void;
  /** Of every event, when the snapshot knows it. */
  readonly note: (event: JournalEvent) => void;
  /** When something besides the snapshot calls for a turn; `null`: never. */
  readonly nextWakeMs: () => number | null;
  /** After the commit: tell what happened. */
  readonly publish: (events: readonly JournalEvent[]) => void;
  /** Once, when nothing can go on. */
  readonly onFatal: (error: SweepError) => void;
}

/** A timer of more than 24 days would ring at once. */
const LONGEST_WAIT_MS = 86_400_000;

export class Turns {
  readonly snapshot: Snapshot;
  readonly #parts: TurnParts;
  #observed: (() => void)[] = [];
  #events: JournalEvent[] = [];
  #afterwards: (() => void)[] = [];
  #isDue = false;
  #isHeld = false;
  #timer: Timer | null = null;
  #ended: SweepError | 'stopped' | null = null;

  constructor(parts: TurnParts) {
    this.#parts = parts;
    this.snapshot = new Snapshot(parts.leaseMs);
  }

  get isOver(): boolean {
    return this.#ended !== null;
  }

  /** Why nothing goes on; `null` while it does, and after a stop. */
  get error(): SweepError | null {
    return this.#ended instanceof SweepError ? this.#ended : null;
  }

  mustGoOn(): void {
    if (this.#ended === 'stopped') throw new SweepError('UNAVAILABLE', 'the control plane has stopped');
    if (this.#ended !== null) throw this.#ended;
  }

  /** `write` writes to the journal, within the next turn's transaction. */
  observe(write: () => void): void {
    this.#observed.push(write);
    this.soon();
  }

  /** Within a transaction, or right after one: what was written changes the snapshot. */
  apply(event: JournalEvent): void {
    this.snapshot.apply(event, this.#parts.clock.nowMs());
    this.#events.push(event);
    this.#parts.note(event);
  }

  /** What has happened and nobody was told of so far. */
  get untold(): readonly JournalEvent[] {
    return this.#events;
  }

  /** For what must not be said before the turn's transaction is durable. In order. */
  afterwards(call: () => void): void {
    this.#afterwards.push(call);
  }

  /** A turn is due, even if nothing was observed. */
  soon(): void {
    if (this.#isDue || this.isOver) return;
    this.#isDue = true;
    if (!this.#isHeld) this.#begin();
  }

  /** No turn begins before `goOn`: what is read may not be acted on yet. */
  hold(): void {
    this.#isHeld = true;
  }

  goOn(): void {
    this.#isHeld = false;
    if (this.#isDue) this.#begin();
  }

  #begin(): void {
    setImmediate(() => {
      this.#isDue = false;
      if (!this.isOver) this.#turn();
    });
  }

  /**
   * A transaction of its own. A refusal of ours is for the caller and changes nothing; anything else means
   * that the journal cannot be trusted to hold what comes, and ends everything.
   */
  write<T>(write: () => T): T {
    try {
      return this.#parts.journal.transaction(write);
    } catch (reason) {
      if (!(reason instanceof SweepError)) this.fail(cannotWrite(reason));
      throw reason;
    }
  }

  /** Writes what was observed, and then nothing any more. */
  stop(write: () => void): void {
    if (this.#ended === 'stopped') return;
    if (this.#ended === null) {
      try {
        const observed = this.#observed.splice(0);
        this.#parts.journal.transaction(() => {
          for (const call of observed) call();
          write();
        });
      } catch (reason) {
        this.#parts.logger.error({ err: reason }, 'what ran could not be taken back; the next start does it');
      }
    }
    this.#end('stopped');
  }

  fail(error: SweepError): void {
    if (this.isOver) return;
    this.#end(error);
    this.#parts.onFatal(error);
    this.#parts.logger.error({ code: error.code, err: error }, 'the control plane cannot go on');
  }

  #end(how: SweepError | 'stopped'): void {
    this.#ended = how;
    this.#timer?.cancel();
    this.#observed = [];
    this.#afterwards = [];
  }

  #turn(): void {
    const observed = this.#observed.splice(0);
    try {
      this.#parts.journal.transaction(() => {
        for (const call of observed) call();
        this.#parts.decide();
        failpoint('before-commit');
      });
      failpoint('after-commit');
    } catch (reason) {
      this.fail(cannotWrite(reason));
      return;
    }
    this.#parts.publish(this.#events.splice(0));
    for (const call of this.#afterwards.splice(0)) call();
    this.#setTimer();
  }

  #setTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const { clock } = this.#parts;
    const wakesMs = [this.snapshot.nextWakeMs(), this.#parts.nextWakeMs()].filter((each) => each !== null);
    if (wakesMs.length === 0 || this.isOver) return;
    const wakeMs = Math.min(...wakesMs, clock.nowMs() + LONGEST_WAIT_MS);
    this.#timer = clock.after(Math.max(0, Math.ceil(wakeMs - clock.nowMs())), () => this.#wake(wakeMs));
  }

  #wake(dueMs: number): void {
    const { clock, leaseMs, logger } = this.#parts;
    const lateMs = clock.nowMs() - dueMs;
    if (lateMs > leaseMs / 2) {
      // This process stood still, so renewals wait unread: nobody is lost for that.
      logger.warn({ lateMs: Math.round(lateMs) }, 'the control plane stood still; leases start anew');
      for (const lease of this.snapshot.running()) this.snapshot.renew(lease, clock.nowMs());
    }
    this.soon();
  }
}

function cannotWrite(reason: unknown): SweepError {
  const cause = reason instanceof Error ? reason.message : String(reason);
  return new SweepError(diskTroubleOf(reason)?.code ?? 'INTERNAL', `the journal could not be written: ${cause}`, {
    hint: 'nothing acknowledged is lost; free space or repair the disk, and run the same command again',
    cause: reason,
  });
}
