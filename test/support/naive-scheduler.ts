/**
 * The order of lending as its description says it, with lists that are searched and sorted anew for every question.
 * What `Snapshot` and `decide` do in columns and heaps has to come to the same.
 */
import assert from 'node:assert/strict';
import type { TrialState } from '../../orchestrator/core/domain.js';
import type { LivePlace, TrialStanding } from '../../orchestrator/core/snapshot.js';
import type { StateCounts } from '../../orchestrator/core/watch-event.js';

const HOUR_MS = 3_600_000;
const WINDOW = 64;

interface NaiveTrial {
  readonly trialId: string;
  readonly kind: string;
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
}

export class NaiveScheduler {
  readonly trials = new Map<string, NaiveTrial>();
  readonly #sweeps = new Map<string, NaiveSweep>();
  readonly #kinds = new Map<string, string>();

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
    const members = standings.map(({ trialId, kind, state, seed }, position) => {
      const known = this.trials.get(trialId) ?? kept.get(trialId);
      const trial = known ?? { trialId, kind, state, fromMs: nowMs, diedOn: [], payer: null };
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

  /** Lends whatever may be lent to these slots, one after the other. */
  lend(slots: readonly string[], nowMs: number): readonly NaiveGrant[] {
    const grants: NaiveGrant[] = [];
    for (const workerId of slots) {
      this.look(nowMs);
      const open = [...this.#sweeps.values()].filter((sweep) => this.#open(sweep, nowMs).length > 0);
      const sweep = this.#firstOf(open, nowMs);
      if (sweep === undefined) break;
      const [first, ...others] = this.#open(sweep, nowMs);
      assert.ok(first !== undefined);
      const due = [first, ...others.filter(({ rank }) => rank === first.rank)].slice(0, WINDOW);
      const good = due.filter((each) => !each.trial.diedOn.includes(workerId));
      const { trial } = good.find((each) => each.trial.kind === this.#kinds.get(workerId)) ?? good[0] ?? first;
      assert.equal(this.#firstOf(this.#wanting(trial), nowMs), sweep, 'it is lent for the first that wants it');
      trial.state = 'running';
      trial.payer = sweep;
      this.#kinds.set(workerId, trial.kind);
      grants.push({ trialId: trial.trialId, workerId });
    }
    this.look(nowMs);
    return grants;
  }

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
    trial.state = state;
    trial.fromMs = nowMs + delayMs;
    trial.payer = null;
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
    const lent = this.#lent(sweep);
    const hours = lent === 0 ? Math.floor((nowMs - sweep.waitingSinceMs) / HOUR_MS) : 0;
    const ofOwner = [...this.#sweeps.values()].filter(({ place }) => place.owner === owner);
    const owned = ofOwner.reduce((sum, each) => sum + this.#lent(each), 0);
    return [-(options.priority + hours), owned, lent / options.weight, order];
  }

  #lent(sweep: NaiveSweep): number {
    return [...this.trials.values()].filter(({ payer }) => payer === sweep).length;
  }

  /** In the order in which they are lent. */
  #open({ members }: NaiveSweep, nowMs: number): NaiveSweep['members'] {
    return members
      .filter(({ trial }) => trial.state === 'queued' && trial.fromMs <= nowMs)
      .sort((a, b) => a.rank - b.rank || a.position - b.position);
  }

  #wanting(trial: NaiveTrial): readonly NaiveSweep[] {
    return [...this.#sweeps.values()].filter(({ members }) => members.some((each) => each.trial === trial));
  }

  #forgetIfUnwanted(trial: NaiveTrial): void {
    if (trial.state !== 'running' && this.#wanting(trial).length === 0) this.trials.delete(trial.trialId);
  }
}
