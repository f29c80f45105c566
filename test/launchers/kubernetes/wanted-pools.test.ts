import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Demand } from '../../../orchestrator/core/schedule/demand.js';
import type { JsonValue } from '../../../orchestrator/core/sweep/place.js';
import { wantedPools } from '../../../orchestrator/launchers/kubernetes/wanted-pools.js';

const hash = (text: string) => Buffer.from(text).toString('hex').slice(-40);

function demandOf(pools: JsonValue, more: Partial<Demand> = {}): Demand {
  const place = { on: 'kubernetes', pools: [], settings: { pools } } as const;
  return { sweep: 's', place, waiting: 0, running: 0, devices: 1, machines: 1, ...more };
}

const sizes = (...demands: Demand[]) =>
  wantedPools(demands, hash).map(({ settings, workers }) => [settings.name, workers]);

describe('the workers that pools should have', () => {
  it('are as many as there are trials, up to the most', () => {
    const pools = [{ name: 'a', min: 0, max: 4 }];
    assert.deepEqual(sizes(demandOf(pools, { waiting: 2, running: 1 })), [['a', 3]]);
    assert.deepEqual(sizes(demandOf(pools, { waiting: 9, running: 1 })), [['a', 4]]);
  });

  it('are at least the least while a trial waits, and none when none does', () => {
    const pools = [{ name: 'a', min: 2, max: 4 }];
    assert.deepEqual(sizes(demandOf(pools, { waiting: 1 })), [['a', 2]]);
    assert.deepEqual(sizes(demandOf(pools)), [['a', 0]]);
  });

  it('fill one pool before the next', () => {
    const pools = [
      { name: 'a', min: 0, max: 2 },
      { name: 'b', min: 0, max: 9 },
    ];
    assert.deepEqual(sizes(demandOf(pools, { waiting: 5 })), [
      ['a', 2],
      ['b', 3],
    ]);
  });

  it('are in pools that have the devices', () => {
    const pools = [
      { name: 'one', max: 4 },
      { name: 'two', max: 4, resources: { 'nvidia.com/gpu': 2 } },
    ];
    assert.deepEqual(sizes(demandOf(pools, { waiting: 3, devices: 2 })), [
      ['one', 0],
      ['two', 3],
    ]);
    const needs = [
      { devices: 2, machines: 1, trials: 3 },
      { devices: 1, machines: 1, trials: 6 },
    ];
    assert.deepEqual(sizes(demandOf(pools, { waiting: 9, devices: 2, needs })), [
      ['one', 4],
      ['two', 4],
    ]);
  });

  it('are as many for each trial as it needs machines', () => {
    const pools = [{ name: 'a', min: 0, max: 20 }];
    assert.deepEqual(sizes(demandOf(pools, { waiting: 3, machines: 4 })), [['a', 12]]);
  });

  describe('for machines that train one model together', () => {
    const gangs = (...demands: Demand[]) =>
      wantedPools(demands, hash).map(({ settings, workers, widest, narrowest }) => [
        settings.name,
        workers,
        widest,
        narrowest,
      ]);
    const three = { waiting: 1, machines: 3 } as const;

    it('are of one pool where that is the only one, which has room for whole gangs', () => {
      assert.deepEqual(gangs(demandOf([{ name: 'a', max: 8 }], { waiting: 3, machines: 3 })), [['a', 6, 3, 3]]);
    });
    it('are of some use when too few of a gang run, where single trials may run too, and in this pool', () => {
      const needs = [
        { devices: 1, machines: 3, trials: 1 },
        { devices: 1, machines: 1, trials: 1 },
      ];
      assert.deepEqual(gangs(demandOf([{ name: 'a', max: 8 }], { ...three, waiting: 2, needs })), [['a', 4, 3, 1]]);
    });
    it('may be of several pools, none of which waits for a whole gang then', () => {
      const pools = [
        { name: 'a', max: 2 },
        { name: 'b', max: 8 },
      ];
      assert.deepEqual(gangs(demandOf(pools, three)), [
        ['a', 2, 1, 1],
        ['b', 1, 1, 1],
      ]);
    });
    it('are all of one pool if a queue lets that in, since another one may be let in at another time', () => {
      const pools = [
        { name: 'a', max: 2, queue: 'q' },
        { name: 'b', max: 8, queue: 'q' },
      ];
      assert.deepEqual(gangs(demandOf(pools, three)), [
        ['a', 0, 1, 1],
        ['b', 3, 3, 3],
      ]);
    });
    it('are whole gangs in each pool of a queue', () => {
      const pools = [
        { name: 'a', max: 4, queue: 'q' },
        { name: 'b', max: 4, queue: 'q' },
      ];
      assert.deepEqual(gangs(demandOf(pools, { waiting: 2, machines: 3 })), [
        ['a', 3, 3, 3],
        ['b', 3, 3, 3],
      ]);
    });
    it('are never left out because others fill the pool of a queue: they have it after those', () => {
      const pools = [{ name: 'a', max: 4, queue: 'q' }];
      const single = demandOf(pools, { waiting: 4 });
      assert.deepEqual(gangs(single, demandOf(pools, three)), [['a', 4, 3, 1]]);
      assert.deepEqual(gangs(demandOf(pools, { waiting: 2 }), demandOf(pools, three)), [['a', 3, 3, 1]]);
    });
    it('are wanted no more when no such trial waits or runs', () => {
      assert.deepEqual(gangs(demandOf([{ name: 'a', max: 8 }], { machines: 3 })), [['a', 0, 1, 1]]);
    });
  });

  it('add up where sweeps share a pool, whose largest size counts', () => {
    const one = demandOf([{ name: 'a', min: 0, max: 2 }], { waiting: 2 });
    const other = demandOf([{ name: 'a', min: 0, max: 5 }], { waiting: 2 });
    assert.deepEqual(sizes(one, other), [['a', 4]]);
    assert.deepEqual(sizes(other, one), [['a', 4]]);
  });

  it('never leave a trial without a worker while a pool has room, nor are more than there may be', () => {
    const pool = fc.record({ min: fc.nat(3), more: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(fc.array(pool, { minLength: 1, maxLength: 4 }), fc.nat(30), (pools, waiting) => {
        const asked = pools.map(({ min, more }, index) => ({ name: `p${index}`, min, max: min + more }));
        const wanted = wantedPools([demandOf(asked, { waiting })], hash);
        const total = wanted.reduce((sum, { workers }) => sum + workers, 0);
        const most = asked.reduce((sum, { max }) => sum + max, 0);
        assert.ok(total >= Math.min(waiting, most));
        for (const { workers, settings } of wanted) assert.ok(workers <= settings.max);
      }),
    );
  });
});
