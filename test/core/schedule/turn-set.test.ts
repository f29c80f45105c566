import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TurnSet } from '../../../orchestrator/core/schedule/turn-set.js';

describe('a set of turns', () => {
  it('gives the next one that is open, whatever was opened and closed', () => {
    // One word, one level above, and two, with their edges.
    const sizes = fc.constantFrom(1, 31, 32, 33, 1_023, 1_024, 1_025, 40_000);
    const steps = fc.array(fc.record({ turn: fc.nat(), isAdded: fc.boolean() }), { maxLength: 100 });
    fc.assert(
      fc.property(sizes, steps, fc.array(fc.nat(), { maxLength: 20 }), (size, history, asked) => {
        const turns = new TurnSet(size);
        const model = new Set<number>();
        for (const { turn, isAdded } of history) {
          if (isAdded) turns.add(turn % size);
          else turns.delete(turn % size);
          if (isAdded) model.add(turn % size);
          else model.delete(turn % size);
        }
        assert.equal(turns.size, model.size);
        const sorted = [...model].sort((a, b) => a - b);
        for (const each of [
          0,
          size - 1,
          ...asked.map((turn) => turn % size),
          ...sorted,
          ...sorted.map((turn) => turn + 1),
        ]) {
          assert.equal(turns.has(each), model.has(each));
          assert.equal(turns.next(each), sorted.find((turn) => turn >= each) ?? -1);
        }
      }),
    );
  });

  it('may be empty', () => assert.equal(new TurnSet(0).next(0), -1));
});
