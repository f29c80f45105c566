import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { KnownTrial } from '../../../orchestrator/core/schedule/trial-standing.js';
import { type Membership, TrialTable } from '../../../orchestrator/core/schedule/trial-table.js';
import { standingOf } from '../../support/standings.js';
import { trialIdOf } from '../../support/trials.js';

function knownOf(number: number): KnownTrial {
  const ran = { workerId: number % 2 ? 'w' : null, machines: number % 4 === 1 ? 2 : null };
  const { seed: _, ...known } = standingOf(number, { kind: `kind ${number % 3}`, ...ran });
  return known;
}

describe('a table of trials', () => {
  /** Ids that begin alike, end alike, or look like each other in any of their parts. */
  const part = fc.constantFrom('0000', '0001', 'ffff', '8000', 'abcd');
  const trialId = fc.array(part, { minLength: 5, maxLength: 5 }).map((parts) => parts.join(''));
  const membership = fc.record({ sweep: fc.nat(3), turn: fc.nat(9) }, { noNullPrototype: true });
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), trialId }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat(200) }) },
    fc.record({ kind: fc.constant('join' as const), which: fc.nat(200), membership }),
    fc.record({ kind: fc.constant('leave' as const), which: fc.nat(200), sweep: fc.nat(3) }),
    fc.record({ kind: fc.constant('change' as const), which: fc.nat(200), attempts: fc.nat(9) }),
  );

  it('holds what was put into it, whatever came and went', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new TrialTable();
        const kept = new Map<string, { trial: KnownTrial; wanted: Membership[] }>();
        const pick = (which: number) => [...kept.values()][which % Math.max(1, kept.size)];
        for (const [index, each] of steps.entries()) {
          if (each.kind === 'add') {
            if (kept.has(each.trialId)) continue;
            const trial = { ...knownOf(index), trialId: each.trialId };
            table.add(trial);
            kept.set(each.trialId, { trial, wanted: [] });
            continue;
          }
          const picked = pick(each.which);
          if (picked === undefined) continue;
          const { trialId } = picked.trial;
          const row = table.find(trialId);
          if (each.kind === 'remove') {
            table.remove(row);
            kept.delete(trialId);
          } else if (each.kind === 'join') {
            if (picked.wanted.some(({ sweep }) => sweep === each.membership.sweep)) continue;
            table.join(row, each.membership);
            picked.wanted.push(each.membership);
          } else if (each.kind === 'leave') {
            table.leave(row, each.sweep);
            picked.wanted = picked.wanted.filter(({ sweep }) => sweep !== each.sweep);
          } else {
            const { attempts } = each;
            const token = BigInt(attempts) << 31n;
            const machines = attempts % 2 ? attempts : null;
            table.setAttempt(row, attempts, token, 'v', machines);
            table.setState(row, 'running');
            table.setSpent(row, { infrastructure: 1, lost: attempts, crashes: 2 });
            picked.trial = {
              ...picked.trial,
              ...{ attempts, token, workerId: 'v', machines, state: 'running' },
              spent: { infrastructure: 1, lost: attempts, crashes: 2 },
            };
          }
        }
        assert.equal(table.size, kept.size);
        for (const { trial, wanted } of kept.values()) {
          const row = table.find(trial.trialId);
          assert.deepEqual(table.get(row), trial);
          assert.deepEqual(table.memberships(row), wanted);
          assert.equal(table.isWanted(row), wanted.length > 0);
        }
        for (const each of steps) {
          if (each.kind === 'add' && !kept.has(each.trialId)) assert.equal(table.find(each.trialId), -1);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('finds each of thousands, and gives the rows of those that leave to others', () => {
    const table = new TrialTable();
    const numbers = Array.from({ length: 5_000 }, (_, number) => number);
    const rows = numbers.map((number) => table.add(knownOf(number)));
    assert.deepEqual(rows, numbers);
    for (const number of numbers) if (number % 3 === 0) table.remove(table.find(trialIdOf(number)));
    for (const number of numbers) assert.equal(table.find(trialIdOf(number)), number % 3 === 0 ? -1 : number);
    assert.ok(table.add(knownOf(9_999)) < 5_000);
    assert.equal(table.size, numbers.filter((number) => number % 3 !== 0).length + 1);
  });

  it('knows no trial by what is no id, and takes none', () => {
    const table = new TrialTable();
    table.add(knownOf(10));
    for (const trialId of ['', 'a', trialIdOf(10).toUpperCase(), `${trialIdOf(10)}0`, '../../../etc/passwd.']) {
      assert.equal(table.find(trialId), -1);
      assert.throws(() => table.add({ ...knownOf(1), trialId }), /is not 20 hex digits/);
    }
  });
});
