/** What a control plane promises at every moment, asserted at that moment. */
import assert from 'node:assert/strict';
import type { LeaseRef } from '../../../orchestrator/core/domain.js';
import type { Report, ToWorker } from '../../../orchestrator/core/worker-message.js';
import type { Journal } from '../../../orchestrator/journal/journal.js';
import type { Life } from './mortal-journal.js';
import type { SimulatedWorker } from './worker.js';

/** Nothing is said before it is durable, and nothing is lent that may not be. */
export function mayBeSaid(message: ToWorker, life: Life, journal: Journal, workers: readonly SimulatedWorker[]): void {
  assert.ok(!life.isWriting && !life.isOver, `"${message.kind}" was said before what it says was durable`);
  if (message.kind !== 'assign') return;
  mustBeWanted(journal, message.lease.trialId);
  mayBeLent(journal, workers, message.lease);
}

/** Nothing is lent that only paused or cancelled sweeps want. */
function mustBeWanted(journal: Journal, trialId: string): void {
  const wants = journal.sweeps().filter(({ standing, sweep }) => {
    if (standing.state !== 'active') return false;
    return [...journal.standings(sweep)].some((each) => each.trialId === trialId);
  });
  assert.ok(wants.length > 0, `trial ${trialId} was lent, which no active sweep wants`);
}

/**
 * Who let a lease run out must not work on it any more when another has the next one, and of a gang nobody, however its
 * attempt ended.
 */
function mayBeLent(journal: Journal, workers: readonly SimulatedWorker[], { trialId, attempt }: LeaseRef): void {
  const asked = journal.trial(trialId)?.trial.run.machines ?? 1;
  let isOfGang = false;
  let expired: bigint | null = null;
  for (const { event } of journal.events()) {
    if (event.kind !== 'begun' && event.kind !== 'requeued') continue;
    if (event.lease.trialId !== trialId || event.lease.attempt !== attempt - 1) continue;
    if (event.kind === 'begun') isOfGang = (event.machines ?? asked) > 1;
    else if (isOfGang || event.failure?.code === 'LEASE_LOST') expired = event.lease.token;
  }
  if (expired === null) return;
  for (const worker of workers) {
    assert.ok(!worker.holds(expired), `${worker.workerId} may still work on ${trialId}, which is lent again`);
  }
}

/** A report that its worker was told is stored. */
export function mustBeDurable(report: Report, journal: Journal): void {
  if (report.kind === 'drained' || report.kind === 'log') return;
  const { trialId, attempt } = report.lease;
  const record = journal.trial(trialId);
  const isRunning = record?.state === 'running' && record.attempts === attempt;
  if (report.kind === 'finished' || report.kind === 'failed') {
    assert.ok(!isRunning, `a worker was told that the end of ${trialId} is stored, which it is not`);
  }
  if (report.kind !== 'metrics' || !isRunning) return;
  const steps = journal.measurements(trialId).training.map(({ step }) => step);
  for (const { step } of report.training) {
    assert.ok(steps.includes(step), `a worker was told that step ${step} of ${trialId} is stored, which it is not`);
  }
}
