/**
 * What scheduling knows of trials, in columns: a million objects would take the memory of the whole control plane.
 * A trial has a row, which another may have when it has left. Which live sweeps want it is here too, since nearly all
 * belong to one: those that belong to several are listed beside the columns.
 */
import type { TrialState } from '../domain.js';
import type { Spent } from './retry.js';
import { TrialIndex } from './trial-index.js';
import type { TrialNeed } from './trial-need.js';
import { TrialShapes } from './trial-shapes.js';
import type { KnownTrial } from './trial-standing.js';
import { Words } from './words.js';

/** A live sweep, by number, that wants a trial, and when its turn is there. */
export interface Membership {
  readonly sweep: number;
  readonly turn: number;
}

const STATES: readonly TrialState[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled'];
const FIRST_ROWS = 64;
/** In place of the number of a sweep. */
const NONE = -1;
const SEVERAL = -2;
/** In place of how many machines an attempt got. */
const ALL = 0;

export class TrialTable {
  #ids = new TrialIndex();
  #columns = columnsOf(FIRST_ROWS);
  #rows = 0;
  #freeRows: number[] = [];
  readonly #workers = new Words();
  readonly #shapes = new TrialShapes();
  readonly #several = new Map<number, Membership[]>();

  get size(): number {
    return this.#rows - this.#freeRows.length;
  }

  /** -1: it is not here. */
  find(trialId: string): number {
    return this.#ids.find(trialId);
  }

  /** Of a trial that is not here; gives its row. */
  add({ trialId, state, attempts, token, workerId, machines, spent, kind, need }: KnownTrial): number {
    const row = this.#freeRows.pop() ?? this.#rows;
    this.#ids.add(trialId, row);
    if (row === this.#rows) this.#rows += 1;
    if (row >= this.#columns.state.length) this.#columns = grown(this.#columns);
    this.#columns.shape[row] = this.#shapes.numberOf(kind, need);
    this.#columns.sweep[row] = NONE;
    this.setState(row, state);
    this.setAttempt(row, attempts, token, workerId, machines);
    this.setSpent(row, spent);
    return row;
  }

  remove(row: number): void {
    this.#ids.remove(row);
    this.#several.delete(row);
    this.#freeRows.push(row);
    if (this.size > 0) return;
    // Nobody is left: the memory of what was here goes back.
    this.#ids = new TrialIndex();
    this.#columns = columnsOf(FIRST_ROWS);
    this.#rows = 0;
    this.#freeRows = [];
  }

  get(row: number): KnownTrial {
    const { attempts, token, worker, machines, infrastructure, lost, crashes } = this.#columns;
    return {
      trialId: this.idOf(row),
      state: this.stateOf(row),
      attempts: attempts[row] as number,
      token: token[row] as bigint,
      workerId: worker[row] === NONE ? null : this.#workers.wordOf(worker[row] as number),
      machines: machines[row] === ALL ? null : (machines[row] as number),
      spent: {
        infrastructure: infrastructure[row] as number,
        lost: lost[row] as number,
        crashes: crashes[row] as number,
      },
      ...this.#shapeOf(row),
    };
  }

  idOf(row: number): string {
    return this.#ids.idOf(row);
  }

  /** Equal numbers for equal kinds. */
  kindOf(row: number): number {
    return this.#shapes.kindOf(this.#columns.shape[row] as number);
  }

  needOf(row: number): TrialNeed {
    return this.#shapes.needOf(this.#columns.shape[row] as number);
  }

  /** What has not begun waits for all its machines. What it has begun with it need not have again; see lending-order.ts. */
  needNowOf(row: number): TrialNeed {
    const need = this.needOf(row);
    if (need.minMachines >= need.machines || (this.#columns.attempts[row] as number) > 0) return need;
    return { ...need, minMachines: need.machines };
  }

  /** It was submitted again, to be run otherwise. */
  setShape(row: number, { kind, need }: Pick<KnownTrial, 'kind' | 'need'>): void {
    this.#columns.shape[row] = this.#shapes.numberOf(kind, need);
  }

  #shapeOf(row: number): Pick<KnownTrial, 'kind' | 'need'> {
    return { kind: this.#shapes.wordOf(this.#columns.shape[row] as number), need: this.needOf(row) };
  }

  stateOf(row: number): TrialState {
    return STATES[this.#columns.state[row] as number] as TrialState;
  }

  setState(row: number, state: TrialState): void {
    this.#columns.state[row] = STATES.indexOf(state);
  }

  /** Its newest one. `machines`: that it got, where those are fewer than it needs. */
  setAttempt(
    row: number,
    attempts: number,
    token: bigint,
    workerId: string | null,
    machines: number | null = null,
  ): void {
    this.#columns.attempts[row] = attempts;
    this.#columns.token[row] = token;
    this.#columns.worker[row] = workerId === null ? NONE : this.#workers.numberOf(workerId);
    this.#columns.machines[row] = machines ?? ALL;
  }

  setSpent(row: number, { infrastructure, lost, crashes }: Spent): void {
    this.#columns.infrastructure[row] = infrastructure;
    this.#columns.lost[row] = lost;
    this.#columns.crashes[row] = crashes;
  }

  // Who wants it.

  isWanted(row: number): boolean {
    return this.#columns.sweep[row] !== NONE;
  }

  memberships(row: number): readonly Membership[] {
    const sweep = this.#columns.sweep[row] as number;
    if (sweep === NONE) return [];
    return sweep === SEVERAL
      ? (this.#several.get(row) as Membership[])
      : [{ sweep, turn: this.#columns.turn[row] as number }];
  }

  join(row: number, membership: Membership): void {
    this.#setMemberships(row, [...this.memberships(row), membership]);
  }

  leave(row: number, sweep: number): void {
    this.#setMemberships(
      row,
      this.memberships(row).filter((each) => each.sweep !== sweep),
    );
  }

  #setMemberships(row: number, memberships: Membership[]): void {
    const [first] = memberships;
    if (memberships.length > 1) this.#several.set(row, memberships);
    else this.#several.delete(row);
    this.#columns.sweep[row] = memberships.length > 1 ? SEVERAL : (first?.sweep ?? NONE);
    this.#columns.turn[row] = first?.turn ?? 0;
  }
}

type Columns = ReturnType<typeof columnsOf>;

function columnsOf(rows: number) {
  return {
    state: new Uint8Array(rows),
    attempts: new Uint32Array(rows),
    token: new BigInt64Array(rows),
    worker: new Int32Array(rows),
    machines: new Uint32Array(rows),
    // Budgets are far below the 255 that these stop at.
    infrastructure: new Uint8ClampedArray(rows),
    lost: new Uint8ClampedArray(rows),
    crashes: new Uint8ClampedArray(rows),
    shape: new Uint32Array(rows),
    sweep: new Int32Array(rows),
    turn: new Uint32Array(rows),
  };
}

/** Twice as many rows: what nobody has written to takes no memory yet. */
function grown(columns: Columns): Columns {
  const larger = columnsOf(2 * columns.state.length);
  larger.state.set(columns.state);
  larger.attempts.set(columns.attempts);
  larger.token.set(columns.token);
  larger.worker.set(columns.worker);
  larger.machines.set(columns.machines);
  larger.infrastructure.set(columns.infrastructure);
  larger.lost.set(columns.lost);
  larger.crashes.set(columns.crashes);
  larger.shape.set(columns.shape);
  larger.sweep.set(columns.sweep);
  larger.turn.set(columns.turn);
  return larger;
}
