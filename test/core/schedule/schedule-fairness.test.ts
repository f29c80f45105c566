import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decide } from '../../../orchestrator/core/schedule/schedule.js';
import { Snapshot } from '../../../orchestrator/core/schedule/snapshot.js';
import { numberOf, placeOf, standingsOf } from '../../support/standings.js';
import { resultOf } from '../../support/trials.js';

const HOUR_MS = 3_600_000;
/** Nothing expires here. */
const LEASE_MS = Number.MAX_SAFE_INTEGER / 2;
const ENOUGH = 60;

/** Sweeps that all have more trials than there will be slots, lent one slot after the other as decided. */
class Lending {
  readonly snapshot = new Snapshot(LEASE_MS);
  #token = 0n;

  lend(nowMs: number): number {
    const decisions = decide(this.snapshot, nowMs);
    for (const decision of decisions) {
      assert.ok(decision.kind === 'grant');
      const { trialId, workerId } = decision;
      this.#token += 1n;
      this.snapshot.apply({ kind: 'begun', lease: { trialId, attempt: 1, token: this.#token }, workerId }, nowMs);
    }
    return decisions.length;
  }

  endOne(which: number, nowMs: number): void {
    const running = this.snapshot.running();
    const lease = running[which % Math.max(1, running.length)];
    if (lease !== undefined) this.snapshot.apply({ kind: 'succeeded', lease, result: resultOf(1) }, nowMs);
  }

  lentTo(sweep: string): number {
    return this.snapshot.summary(sweep)?.counts.running ?? 0;
  }
}

const endings = fc.array(fc.array(fc.nat(30), { maxLength: 6 }), { maxLength: 8 });

describe('sweeps that all have more to run than there is room for', () => {
  const weights = fc.array(fc.constantFrom(0.5, 1, 2, 3, 7), { minLength: 2, maxLength: 5 });

  it('share the slots by their weights, each within one slot of any other, whatever ends', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 12 }), endings, (shares, slots, rounds) => {
        const lending = new Lending();
        for (const [order, weight] of shares.entries()) {
          lending.snapshot.addSweep(`${order}`, placeOf(order, { weight }), standingsOf(ENOUGH, 1_000 * order), 0);
        }
        lending.snapshot.addWorker('w', slots);
        for (const round of [[], ...rounds]) {
          for (const which of round) lending.endOne(which, 0);
          lending.lend(0);
          const lent = shares.map((_, order) => lending.lentTo(`${order}`));
          assert.equal(
            lent.reduce((sum, each) => sum + each, 0),
            slots,
          );
          for (const [i, mine] of lent.entries()) {
            for (const [j, other] of lent.entries()) {
              const due = ((shares[i] as number) * other) / (shares[j] as number);
              assert.ok(mine <= due + 1 + 1e-9, `${shares} share ${slots} slots as ${lent}`);
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('give each owner as many slots, within one, however many sweeps each has', () => {
    const owners = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(owners, fc.integer({ min: 1, max: 12 }), endings, (sweepsOfEach, slots, rounds) => {
        const lending = new Lending();
        const names = sweepsOfEach.map((sweeps, owner) => Array.from({ length: sweeps }, (_, at) => `${owner}-${at}`));
        for (const [order, name] of names.flat().entries()) {
          const place = placeOf(order, { owner: name.charAt(0), weight: 1 + (order % 3) });
          lending.snapshot.addSweep(name, place, standingsOf(ENOUGH, 1_000 * order), 0);
        }
        lending.snapshot.addWorker('w', slots);
        for (const round of [[], ...rounds]) {
          for (const which of round) lending.endOne(which, 0);
          lending.lend(0);
          const lent = names.map((each) => each.reduce((sum, name) => sum + lending.lentTo(name), 0));
          assert.ok(Math.max(...lent) - Math.min(...lent) <= 1, `owners hold ${lent} of ${slots} slots`);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('a sweep of low priority', () => {
  const sweep = fc.record({ priority: fc.integer({ min: -4, max: 4 }), trials: fc.integer({ min: 1, max: 4 }) });
  const LONGEST_MS = 2 * HOUR_MS;
  const ENDLESS = 100_000;

  it('is lent a slot in time for each of its trials, whoever stands before it', () => {
    fc.assert(
      fc.property(
        fc.array(sweep, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.integer({ min: HOUR_MS / 2, max: LONGEST_MS }), { minLength: 1, maxLength: 20 }),
        (sweeps, slots, lengthsMs) => {
          const lending = new Lending();
          // One that is never done, above them all: whatever ends of it is queued again.
          lending.snapshot.addSweep('endless', placeOf(0, { priority: 4 }), standingsOf(slots + 1, ENDLESS), 0);
          for (const [index, { priority, trials }] of sweeps.entries()) {
            const place = placeOf(1 + index, { priority });
            lending.snapshot.addSweep(`${index}`, place, standingsOf(trials, 1_000 * index), 0);
          }
          lending.snapshot.addWorker('w', slots);
          // To rise above the highest takes nine hours; then one of the others may come first, and each trial has to end.
          const trials = sweeps.reduce((sum, each) => sum + each.trials, 0);
          const boundMs = trials * (9 * HOUR_MS + 2 * LONGEST_MS);
          const waiting = () => sweeps.some((_, index) => lending.snapshot.summary(`${index}`)?.counts.queued !== 0);
          const endsMs = new Map<bigint, number>();
          let [nowMs, begun] = [0, 0];
          for (;;) {
            lending.lend(nowMs);
            for (const { token } of lending.snapshot.running()) {
              if (endsMs.has(token)) continue;
              endsMs.set(token, nowMs + (lengthsMs[begun % lengthsMs.length] as number));
              begun += 1;
            }
            if (!waiting()) return;
            const ends = lending.snapshot
              .running()
              .map((lease) => ({ lease, atMs: endsMs.get(lease.token) as number }));
            const next = ends.reduce((first, each) => (each.atMs < first.atMs ? each : first));
            nowMs = next.atMs;
            assert.ok(nowMs <= boundMs, 'a trial waits for ever');
            const { lease } = next;
            if (numberOf(lease.trialId) < ENDLESS)
              lending.snapshot.apply({ kind: 'succeeded', lease, result: resultOf(1) }, nowMs);
            else lending.snapshot.apply({ kind: 'requeued', lease, failure: null, delayMs: 0 }, nowMs);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
