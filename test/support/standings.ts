/** What scheduling knows of trials and sweeps, by number. */
import { attemptBegun, type JournalEvent } from '../../orchestrator/core/events.js';
import { NOTHING_SPENT } from '../../orchestrator/core/schedule/retry.js';
import type { Decision } from '../../orchestrator/core/schedule/schedule.js';
import type { LivePlace, Snapshot, TrialStanding } from '../../orchestrator/core/schedule/snapshot.js';
import { ONE_DEVICE } from '../../orchestrator/core/schedule/trial-need.js';
import { DEFAULT_SWEEP_OPTIONS, type SweepOptions } from '../../orchestrator/core/sweep/sweep-options.js';
import { trialIdOf } from './trials.js';

export function standingOf(number: number, changes: Partial<TrialStanding> = {}): TrialStanding {
  return {
    trialId: trialIdOf(number),
    state: 'queued',
    attempts: 0,
    token: 0n,
    workerId: null,
    machines: null,
    spent: NOTHING_SPENT,
    seed: 0,
    kind: 'a model and a dataset',
    need: ONE_DEVICE,
    ...changes,
  };
}

export function standingsOf(
  count: number,
  from: number,
  changes: Partial<TrialStanding> = {},
): readonly TrialStanding[] {
  return Array.from({ length: count }, (_, index) => standingOf(from + index, changes));
}

export function placeOf(
  order: number,
  { owner = '', ...options }: Partial<SweepOptions & { owner: string }> = {},
): LivePlace {
  return { order, owner, options: { ...DEFAULT_SWEEP_OPTIONS, ...options } };
}

export function begunOf(number: number, workerId: string, token = 1n, attempt = 1): JournalEvent & { kind: 'begun' } {
  return { kind: 'begun', lease: { trialId: trialIdOf(number), attempt, token }, workerId };
}

/** What carrying out a grant writes. */
export function grantedIn(
  snapshot: Snapshot,
  { trialId, workerId, others = [] }: Decision & { kind: 'grant' },
  token: bigint,
): JournalEvent & { kind: 'begun' } {
  const machines = 1 + others.length;
  const asked = snapshot.standing(trialId)?.need.machines ?? 1;
  return attemptBegun({ trialId, attempt: 1, token }, workerId, machines < asked ? machines : null);
}

export function numberOf(trialId: string): number {
  return Number(`0x${trialId}`);
}

/** As words. */
export function described(decision: Decision): string {
  switch (decision.kind) {
    case 'grant':
      return `${numberOf(decision.trialId)} to ${[decision.workerId, ...(decision.others ?? [])].join(' and ')}`;
    case 'reserve':
      return decision.trialId === null ? 'nothing is reserved' : `reserved for ${numberOf(decision.trialId)}`;
    case 'recall':
      return `${numberOf(decision.lease.trialId)} back from ${decision.workerId}`;
    case 'drain':
      return `${decision.host} is drained`;
    default:
      return decision.kind;
  }
}
