/** What must hold of every history of events, whatever happened. */
import assert from 'node:assert/strict';
import type { JournalEvent } from '../../orchestrator/core/events.js';

/** Throws where a history breaks a promise: one completion a trial, growing tokens, no way out of success. */
export function checkHistory(events: Iterable<{ readonly event: JournalEvent }>): void {
  const open = new Map<string, bigint>();
  const states = new Map<string, 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'>();
  let lastToken = 0n;
  for (const { event } of events) {
    switch (event.kind) {
      case 'submitted':
        for (const trialId of event.trialIds)
          assert.ok(states.has(trialId), `${trialId} is in a sweep, but nowhere else`);
        break;
      case 'queued': {
        const before = states.get(event.trialId);
        assert.ok(before === undefined || before === 'failed' || before === 'cancelled', `queued after ${before}`);
        states.set(event.trialId, 'queued');
        break;
      }
      case 'begun':
        assert.equal(states.get(event.lease.trialId), 'queued');
        assert.ok(event.lease.token > lastToken, 'tokens grow');
        lastToken = event.lease.token;
        open.set(event.lease.trialId, lastToken);
        states.set(event.lease.trialId, 'running');
        break;
      case 'cancelled':
        assert.equal(states.get(event.trialId), event.lease === null ? 'queued' : 'running');
        states.set(event.trialId, 'cancelled');
        break;
      default:
        assert.equal(states.get(event.lease.trialId), 'running', `${event.kind} of what does not run`);
        assert.equal(event.lease.token, open.get(event.lease.trialId), `${event.kind} under an old token`);
        if (event.kind === 'requeued') states.set(event.lease.trialId, 'queued');
        if (event.kind === 'succeeded' || event.kind === 'failed') states.set(event.lease.trialId, event.kind);
    }
  }
}
