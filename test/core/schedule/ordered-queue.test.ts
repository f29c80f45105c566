import assert from 'node:assert/strict';
import fc from 'fast-check';
import { OrderedQueue } from '../../../orchestrator/core/schedule/ordered-queue.js';

interface Item {
  readonly rank: number;
}

const steps = fc.array(fc.record({ add: fc.boolean(), rank: fc.nat(1_000), victim: fc.nat(50) }), { maxLength: 200 });

describe('an ordered queue', () => {
  it('gives its first items in order, whatever was added and removed', () => {
    fc.assert(
      fc.property(steps, fc.nat(20), (history, limit) => {
        const queue = new OrderedQueue<Item>((a, b) => a.rank < b.rank);
        const kept: Item[] = [];
        for (const { add, rank, victim } of history) {
          if (add) {
            const item = { rank };
            queue.add(item);
            kept.push(item);
          } else {
            const [item] = kept.splice(victim % Math.max(1, kept.length), 1);
            if (item !== undefined) assert.ok(queue.remove(item));
          }
        }
        const ranks = kept.map(({ rank }) => rank).sort((a, b) => a - b);
        assert.equal(queue.size, kept.length);
        assert.deepEqual(
          queue.first(limit).map(({ rank }) => rank),
          ranks.slice(0, limit),
        );
        assert.equal(queue.peek()?.rank, ranks[0]);
      }),
    );
  });

  it('stops at the first item that is not accepted', () => {
    const queue = new OrderedQueue<number>((a, b) => a < b);
    for (const number of [5, 1, 3, 4]) queue.add(number);
    assert.deepEqual(
      queue.first(10, (number) => number < 4),
      [1, 3],
    );
  });

  it('removes nothing that it does not hold', () => {
    const queue = new OrderedQueue<number>((a, b) => a < b);
    queue.add(1);
    assert.equal(queue.remove(2), false);
    assert.equal(queue.size, 1);
  });
});
