/**
 * The order of lending as its description says it, with lists that are searched and sorted anew for every question.
 * What `Snapshot` and `decide` do in columns and heaps has to come to the same.
 */
import assert from 'node:assert/strict';
import type { TrialState } from '../../orchestrator/core/domain.js';
import type { LivePlace, TrialStanding } from '../../orchestrator/core/schedule/snapshot.js';
import type { TrialNeed } from '../../orchestrator/core/schedule/trial-need.js';
import { takesFrom } from '../../orchestrator/core/sweep/place.js';
import type { StateCounts } from '../../orchestrator/core/watch-event.js';

const HOUR_MS = 3_600_000;
const WINDOW = 64;

/** The most devices go first, and of as many those on more machines. */
function bulkOf({ devices, machines }: TrialNeed): number {
  return devices * machines + machines / 1_000;
}

/** Peaks differ a little from run to run. */
const MARGIN = 1.1;

export interface NaiveWorker {
  readonly workerId: string;
  readonly slots: number;
  /** Of each device; 0: not known. */
  readonly memory: readonly number[];
  readonly address: string;
  readonly pool: string;
}

interface NaiveTrial {
  readonly trialId: string;
  readonly need: TrialNeed;
  /** Where it runs, and on which devices. */
  at: readonly { readonly worker: NaiveWorker; readonly places: readonly number[] }[];
  readonly kind: string;
  hasBegun: boolean;
  state: TrialState;
  /** Not before, while it is queued. */
  fromMs: number;
  /** Where attempts at it died. */
  diedOn: readonly string[];
  /** The sweep that its slot counts for, while it runs. */
  payer: NaiveSweep | null;
}

interface NaiveSweep {
  readonly name: string;
  readonly place: LivePlace;
  readonly members: readonly { readonly trial: NaiveTrial; readonly rank: number; readonly position: number }[];
  waitingSinceMs: number;
  wasOpen: boolean;
}

export interface NaiveGrant {
  readonly trialId: string;
  readonly workerId: string;
  readonly others: readonly string[];
}

/** What is lent in one round, and for whom workers are reserved in it. */
class Round {
  readonly grants: NaiveGrant[] = [];
  reserveFor: string | null = null;
  /** What was lent before it was found that they should be. */
  before = 0;
  /** The priority for which it is. */
  at = Number.NEGATIVE_INFINITY;
  kept: readonly NaiveWorker[] = [];
}

export class NaiveScheduler {
  readonly trials = new Map<string, NaiveTrial>();
  readonly #sweeps = new Map<string, NaiveSweep>();
  readonly #kinds = new Map<string, string>();
  readonly #workers: readonly NaiveWorker[];
  readonly #leaseMs: number;
  /** By trial: before then it is lent to nobody, since a gang had it. */
  readonly #heldBack = new Map<string, number>();
  #reservedFor: string | null = null;

  constructor(workers: readonly NaiveWorker[], leaseMs: number) {
    this.#workers = workers;
    this.#leaseMs = leaseMs;
  }

  get sweeps(): readonly string[] {
    return [...this.#sweeps.keys()];
  }

  get running(): readonly string[] {
    return [...this.trials.values()].filter(({ state }) => state === 'running').map(({ trialId }) => trialId);
  }

  addSweep(name: string, place: LivePlace, standings: readonly TrialStanding[], nowMs: number): void {
    const before = this.#sweeps.get(name);
    const hasWaited = before !== undefined && this.#lent(before) === 0 && this.#open(before, nowMs).length > 0;
    const sinceMs = hasWaited ? before.waitingSinceMs : nowMs;
    const kept = new Map(before?.members.map(({ trial }) => [trial.trialId, trial]));
    if (before !== undefined) this.removeSweep(name, nowMs);
    const ranks = [...new Set(standings.map(({ seed }) => seed))];
    const members = standings.map(({ trialId, kind, need, state, seed, attempts }, position) => {
      const known = this.trials.get(trialId) ?? kept.get(trialId);
      const begun = { at: [], hasBegun: attempts > 0, diedOn: [], payer: null };
      const trial: NaiveTrial = known ?? { trialId, kind, need, state, fromMs: nowMs, ...begun };
      this.trials.set(trialId, trial);
      return { trial, rank: ranks.indexOf(seed), position };
    });
    const sweep: NaiveSweep = { name, place, members, waitingSinceMs: nowMs, wasOpen: false };
    this.#sweeps.set(name, sweep);
    for (const { trial } of members) if (trial.state === 'running' && trial.payer === null) trial.payer = sweep;
    this.look(nowMs);
    sweep.waitingSinceMs = sinceMs;
  }

  removeSweep(name: string, nowMs: number): void {
    const sweep = this.#sweeps.get(name);
    assert.ok(sweep !== undefined);
    this.#sweeps.delete(name);
    const trials = [...sweep.members]
      .sort((a, b) => a.rank - b.rank || a.position - b.position)
      .map(({ trial }) => trial);
    const unpaid = trials.filter(({ payer }) => payer === sweep);
    for (const trial of unpaid) trial.payer = null;
    for (const trial of unpaid) trial.payer = this.#firstOf(this.#wanting(trial), nowMs) ?? null;
    for (const trial of trials) this.#forgetIfUnwanted(trial);
  }

  /** Lends whatever may be lent. */
  lend(nowMs: number): readonly NaiveGrant[] {
    this.look(nowMs);
    const grants: NaiveGrant[] = [];
    for (;;) {
      const kinds = new Map(this.#kinds);
      const round = this.#lendOnce(nowMs);
      const isNew = round.reserveFor !== null && round.reserveFor !== this.#reservedFor;
      const lent = isNew ? round.grants.slice(0, round.before) : round.grants;
      const trialsOf = (each: readonly NaiveGrant[]) =>
        each.map(({ trialId }) => this.trials.get(trialId) as NaiveTrial);
      for (const trial of trialsOf(round.grants)) trial.payer = null;
      for (const trial of trialsOf(round.grants.slice(lent.length))) Object.assign(trial, { state: 'queued', at: [] });
      // For whom it was lent matters within the round; it counts for the first that wants it.
      for (const trial of trialsOf(lent)) {
        trial.payer = this.#firstOf(this.#wanting(trial), nowMs) ?? null;
        trial.hasBegun = true;
      }
      if (isNew) {
        this.#kinds.clear();
        for (const [workerId, kind] of kinds) this.#kinds.set(workerId, kind);
        for (const { trialId, workerId, others } of lent) {
          for (const each of [workerId, ...others]) this.#kinds.set(each, this.trials.get(trialId)?.kind ?? '');
        }
      }
      const isServed = lent.some(({ trialId }) => trialId === round.reserveFor);
      this.#reservedFor = isServed ? null : round.reserveFor;
      this.look(nowMs);
      grants.push(...lent);
      if (!isNew) return grants;
    }
  }

  #lendOnce(nowMs: number): Round {
    const round = new Round();
    const slots = this.#workers.flatMap((worker) => Array.from({ length: this.#smallSlots(worker) }, () => worker));
    this.#serveHolder(round, nowMs);
    for (const worker of slots) if (!round.kept.includes(worker)) this.#lendSlot(worker, -Infinity, round, nowMs);
    for (const worker of slots) if (round.kept.includes(worker)) this.#lendSlot(worker, round.at, round, nowMs);
    return round;
  }

  #serveHolder(round: Round, nowMs: number): void {
    const holder = this.trials.get(this.#reservedFor ?? '');
    if (holder === undefined || !this.#isOpen(holder, nowMs)) return;
    const sweep = this.#firstOf(this.#wanting(holder), nowMs);
    assert.ok(sweep !== undefined);
    const free = this.#freeFor(holder, sweep, []);
    const soonest = this.#soonestFor(holder, sweep);
    if (free !== null) {
      this.#begin(holder, sweep, free, round);
      round.at = Infinity;
    } else if (soonest !== null) {
      round.at = this.#priorityOf(sweep, nowMs);
      round.kept = soonest;
    } else return;
    round.reserveFor = holder.trialId;
  }

  #lendSlot(worker: NaiveWorker, above: number, round: Round, nowMs: number): void {
    const passed: NaiveSweep[] = [];
    while (this.#smallSlots(worker) > 0) {
      const open = [...this.#sweeps.values()].filter(
        (each) => !passed.includes(each) && this.#open(each, nowMs).length > 0,
      );
      const sweep = this.#firstOf(open, nowMs);
      if (sweep === undefined || this.#priorityOf(sweep, nowMs) <= above) return;
      const lent = takes(sweep, worker) ? this.#lendOf(sweep, worker, round, nowMs) : 'nothing';
      if (lent === 'here') return;
      if (lent === 'nothing') passed.push(sweep);
    }
  }

  #lendOf(sweep: NaiveSweep, worker: NaiveWorker, round: Round, nowMs: number): 'here' | 'elsewhere' | 'nothing' {
    const open = this.#open(sweep, nowMs);
    const fits = (trial: NaiveTrial) => trial.need.machines === 1 && this.#placesFor(worker, trial.need) !== null;
    for (const bulk of new Set(open.map(({ trial }) => bulkOf(trial.need)))) {
      const alike = open.filter(({ trial }) => bulkOf(trial.need) === bulk);
      const head = alike[0]?.trial;
      assert.ok(head !== undefined);
      // One that may have fewer machines is not kept by one before it that has to wait for all of them.
      const mayShrink = (trial: NaiveTrial) => leastOf(trial) < trial.need.machines;
      const behind = mayShrink(head) ? undefined : alike.find(({ trial }) => mayShrink(trial))?.trial;
      for (const each of behind === undefined ? [head] : [head, behind]) {
        if (fits(each)) continue;
        const priority = this.#priorityOf(sweep, nowMs);
        const free = this.#freeFor(each, sweep, priority <= round.at ? round.kept : []);
        if (free !== null) {
          this.#begin(each, sweep, free, round);
          return 'elsewhere';
        }
        if (priority > round.at && this.#soonestFor(each, sweep) !== null) {
          round.reserveFor = each.trialId;
          round.at = priority;
          round.before = round.grants.length;
        }
      }
      const fitting = alike.slice(0, WINDOW).filter(({ trial }) => fits(trial));
      const due = fitting.filter(({ rank }) => rank === fitting[0]?.rank).map(({ trial }) => trial);
      const good = due.filter(({ diedOn }) => !diedOn.includes(worker.workerId));
      const trial = good.find(({ kind }) => kind === this.#kinds.get(worker.workerId)) ?? good[0] ?? due[0];
      if (trial === undefined) continue;
      this.#begin(trial, sweep, [worker], round);
      return 'here';
    }
    return 'nothing';
  }

  #begin(trial: NaiveTrial, sweep: NaiveSweep, workers: readonly NaiveWorker[], { grants }: Round): void {
    const at = workers.map((worker) => ({ worker, places: this.#placesFor(worker, trial.need) ?? [] }));
    Object.assign(trial, { state: 'running', payer: sweep, at });
    for (const { workerId } of workers) this.#kinds.set(workerId, trial.kind);
    const [workerId = '', ...others] = workers.map((each) => each.workerId);
    grants.push({ trialId: trial.trialId, workerId, others });
  }

  // Devices.

  #runningAt(worker: NaiveWorker): readonly { readonly need: TrialNeed; readonly places: readonly number[] }[] {
    return [...this.trials.values()].flatMap(({ at, need }) =>
      at.filter((each) => each.worker === worker).map(({ places }) => ({ need, places })),
    );
  }

  #most({ slots, memory }: NaiveWorker): number {
    return Math.ceil(slots / memory.length);
  }

  #attemptsOn(worker: NaiveWorker, place: number): readonly TrialNeed[] {
    return this.#runningAt(worker)
      .filter(({ places }) => places.includes(place))
      .map(({ need }) => need);
  }

  #hasRoom(worker: NaiveWorker, place: number, need: TrialNeed): boolean {
    const there = this.#attemptsOn(worker, place);
    const memory = worker.memory[place] as number;
    if (there.length === 0) return true;
    if (need.devices > 1 || there.some(({ devices }) => devices > 1)) return false;
    const share = Math.floor(memory / this.#most(worker));
    const bytes = [need, ...there].map(({ memoryBytes }) =>
      memoryBytes === 0 ? share : Math.ceil(memoryBytes * MARGIN),
    );
    const fits = memory === 0 || bytes.reduce((sum, each) => sum + each, 0) <= memory;
    return there.length < this.#most(worker) && fits;
  }

  #placesFor(worker: NaiveWorker, need: TrialNeed): readonly number[] | null {
    if (this.#runningAt(worker).length >= worker.slots) return null;
    const free = [...worker.memory.keys()].filter((place) => this.#hasRoom(worker, place, need));
    const emptiest = free.sort(
      (a, b) => this.#attemptsOn(worker, a).length - this.#attemptsOn(worker, b).length || a - b,
    );
    return free.length < need.devices ? null : emptiest.slice(0, need.devices);
  }

  #smallSlots(worker: NaiveWorker): number {
    const openings = worker.memory.map((_, place) => {
      const there = this.#attemptsOn(worker, place);
      return there.some(({ devices }) => devices > 1) ? 0 : this.#most(worker) - there.length;
    });
    const slots = worker.slots - this.#runningAt(worker).length;
    return Math.min(
      slots,
      openings.reduce((sum, each) => sum + each, 0),
    );
  }

  #canRun({ memory, address }: NaiveWorker, { devices, machines }: TrialNeed): boolean {
    return memory.length >= devices && (machines === 1 || address !== '');
  }

  #ableFor({ need }: NaiveTrial, sweep: NaiveSweep): readonly NaiveWorker[] {
    return this.#workers.filter((each) => takes(sweep, each) && this.#canRun(each, need));
  }

  #freeFor(trial: NaiveTrial, sweep: NaiveSweep, kept: readonly NaiveWorker[]): readonly NaiveWorker[] | null {
    const { need } = trial;
    const able = this.#ableFor(trial, sweep);
    const size = Math.min(able.length, need.machines);
    const free = able.filter((each) => !kept.includes(each) && this.#placesFor(each, need) !== null);
    return size < leastOf(trial) || free.length < size ? null : free.slice(0, size);
  }

  #soonestFor(trial: NaiveTrial, sweep: NaiveSweep): readonly NaiveWorker[] | null {
    const { need } = trial;
    const able = this.#ableFor(trial, sweep);
    const toEnd = (each: NaiveWorker) => (this.#placesFor(each, need) === null ? this.#runningAt(each).length : 0);
    const soonest = able
      .map((each, index) => [toEnd(each), index, each] as const)
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    return able.length < leastOf(trial) ? null : soonest.slice(0, need.machines).map(([, , each]) => each);
  }

  // What becomes of trials.

  /** Of one that runs: the process dies. */
  die(trialId: string, workerId: string, nowMs: number): void {
    const trial = this.trials.get(trialId);
    if (trial !== undefined) trial.diedOn = [...trial.diedOn, workerId];
    this.end(trialId, 'queued', 0, nowMs);
  }

  /** Of one that has ended. */
  queueAgain(trialId: string, nowMs: number): void {
    const trial = this.trials.get(trialId);
    if (trial !== undefined) trial.diedOn = [];
    this.end(trialId, 'queued', 0, nowMs);
  }

  /** Of one that runs, or has ended. */
  end(trialId: string, state: TrialState, delayMs: number, nowMs: number): void {
    const trial = this.trials.get(trialId);
    assert.ok(trial !== undefined);
    const { payer } = trial;
    if (trial.at.length > 1) this.#heldBack.set(trialId, nowMs + this.#leaseMs);
    trial.state = state;
    trial.fromMs = nowMs + delayMs;
    trial.payer = null;
    trial.at = [];
    if (payer !== null && this.#lent(payer) === 0) payer.waitingSinceMs = nowMs;
    this.#forgetIfUnwanted(trial);
    this.look(nowMs);
  }

  /** A sweep that had nothing to lend, and has something now, waits from now on. */
  look(nowMs: number): void {
    for (const sweep of this.#sweeps.values()) {
      const isOpen = this.#open(sweep, nowMs).length > 0;
      if (isOpen && !sweep.wasOpen) sweep.waitingSinceMs = nowMs;
      sweep.wasOpen = isOpen;
    }
  }

  counts(name: string): StateCounts {
    const counts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
    for (const { trial } of this.#sweeps.get(name)?.members ?? []) counts[trial.state] += 1;
    return counts;
  }

  #firstOf(sweeps: readonly NaiveSweep[], nowMs: number): NaiveSweep | undefined {
    return [...sweeps].sort((a, b) => {
      const [left, right] = [this.#rankOf(a, nowMs), this.#rankOf(b, nowMs)];
      const differs = left.findIndex((each, index) => each !== right[index]);
      return (left[differs] ?? 0) - (right[differs] ?? 0);
    })[0];
  }

  /** The lowest goes first, the first number that differs decides. */
  #rankOf(sweep: NaiveSweep, nowMs: number): readonly number[] {
    const { owner, order, options } = sweep.place;
    const ofOwner = [...this.#sweeps.values()].filter(({ place }) => place.owner === owner);
    const owned = ofOwner.reduce((sum, each) => sum + this.#lent(each), 0);
    return [-this.#priorityOf(sweep, nowMs), owned, this.#lent(sweep) / options.weight, order];
  }

  #priorityOf(sweep: NaiveSweep, nowMs: number): number {
    const hours = this.#lent(sweep) === 0 ? Math.floor((nowMs - sweep.waitingSinceMs) / HOUR_MS) : 0;
    return sweep.place.options.priority + hours;
  }

  /** Devices. */
  #lent(sweep: NaiveSweep): number {
    const paid = [...this.trials.values()].filter(({ payer }) => payer === sweep);
    return paid.reduce((sum, { need, at }) => sum + need.devices * at.length, 0);
  }

  /** In the order in which they are lent. */
  #open({ members }: NaiveSweep, nowMs: number): NaiveSweep['members'] {
    return members
      .filter(({ trial }) => this.#isOpen(trial, nowMs))
      .sort((a, b) => bulkOf(b.trial.need) - bulkOf(a.trial.need) || a.rank - b.rank || a.position - b.position);
  }

  #isOpen({ trialId, state, fromMs }: NaiveTrial, nowMs: number): boolean {
    return state === 'queued' && Math.max(fromMs, this.#heldBack.get(trialId) ?? fromMs) <= nowMs;
  }

  #wanting(trial: NaiveTrial): readonly NaiveSweep[] {
    return [...this.#sweeps.values()].filter(({ members }) => members.some((each) => each.trial === trial));
  }

  #forgetIfUnwanted(trial: NaiveTrial): void {
    if (trial.state !== 'running' && this.#wanting(trial).length === 0) this.trials.delete(trial.trialId);
  }
}

/** Machines that it begins with at least. */
function leastOf({ need: { machines, minMachines }, hasBegun }: NaiveTrial): number {
  return hasBegun ? Math.min(machines, minMachines) : machines;
}

function takes({ place }: NaiveSweep, { pool }: NaiveWorker): boolean {
  return takesFrom(place.options.place, pool);
}
