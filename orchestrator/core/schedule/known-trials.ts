/** Trials that scheduling knows, the live sweeps that want them, and which of them may be lent now. */
import type { TrialState } from '../domain.js';
import { Delays } from './delays.js';
import { compareClaims } from './lending-order.js';
import type { LiveSweep } from './live-sweep.js';
import { LiveSweeps } from './live-sweeps.js';
import { TrialTable } from './trial-table.js';

export class KnownTrials {
  readonly table = new TrialTable();
  readonly sweeps = new LiveSweeps();
  readonly #delays = new Delays();
  /**
   * By trial, where a gang has ended: until when some of it may be out of reach and at it, for which one lease is enough.
   * Nobody is lent it before.
   */
  readonly #heldBack = new Map<string, number>();

  /** When the next one's wait is over; `null`: none waits for a time. */
  get nextMs(): number | null {
    return this.#delays.nextMs;
  }

  /** Live sweeps that want it. */
  wanting(row: number): readonly LiveSweep[] {
    return this.table.memberships(row).flatMap(({ sweep }) => this.sweeps.numbered(sweep) ?? []);
  }

  /** The first of these in the order of lending; `null`: there is none. */
  claimantOf(row: number, nowMs: number): LiveSweep | null {
    const [first] = [...this.wanting(row)].sort((a, b) => compareClaims(a, b, nowMs));
    return first ?? null;
  }

  mayStart(row: number): boolean {
    return this.table.stateOf(row) === 'queued' && !this.#delays.has(row);
  }

  join(sweep: LiveSweep, turn: number, row: number, nowMs: number): void {
    this.table.join(row, { sweep: sweep.number, turn });
    sweep.count(turn, null, this.table.stateOf(row));
    if (this.mayStart(row)) sweep.open(turn, nowMs);
  }

  /** `note`: what else is written of it, while it may not be lent. */
  change(row: number, state: TrialState, nowMs: number, note: (row: number) => void): void {
    const before = this.table.stateOf(row);
    if (before === 'queued') this.#close(row);
    note(row);
    if (state === 'queued') this.holdBack(row, nowMs);
    this.table.setState(row, state);
    for (const { sweep, turn } of this.table.memberships(row)) {
      this.sweeps.numbered(sweep)?.count(turn, before, state);
    }
    if (this.mayStart(row)) this.#open(row, nowMs);
  }

  /** It is not lent before that time. */
  delay(row: number, untilMs: number): void {
    this.#delays.add(row, untilMs);
  }

  /** A gang that had it has ended. */
  holdUntil(trialId: string, untilMs: number): void {
    this.#heldBack.set(trialId, untilMs);
  }

  /** As long as some of a gang that had it may be at it. */
  holdBack(row: number, nowMs: number): void {
    const untilMs = this.#heldBack.get(this.table.idOf(row)) ?? nowMs;
    if (untilMs <= nowMs || (this.#delays.untilOf(row) ?? nowMs) >= untilMs) return;
    this.#delays.delete(row);
    this.#delays.add(row, untilMs);
  }

  comeDue(nowMs: number): void {
    for (const row of this.#delays.takeDue(nowMs)) this.#open(row, nowMs);
    for (const [trialId, untilMs] of this.#heldBack) if (untilMs <= nowMs) this.#heldBack.delete(trialId);
  }

  forget(row: number): void {
    this.#close(row);
    this.table.remove(row);
  }

  #open(row: number, nowMs: number): void {
    for (const { sweep, turn } of this.table.memberships(row)) this.sweeps.numbered(sweep)?.open(turn, nowMs);
  }

  #close(row: number): void {
    this.#delays.delete(row);
    for (const { sweep, turn } of this.table.memberships(row)) this.sweeps.numbered(sweep)?.close(turn);
  }
}
