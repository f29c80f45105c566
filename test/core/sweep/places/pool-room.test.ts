import assert from 'node:assert/strict';
import { quantityBytes } from '../../../../orchestrator/core/sweep/places/kubernetes-settings.js';
import { poolRooms, whyNot, whyTooFew } from '../../../../orchestrator/core/sweep/places/pool-room.js';
import { parseSweep } from '../../../launchers/kubernetes/parse-sweep.js';

const GIB = 2 ** 30;
const UNQUEUED = { isQueued: false, isLetInOneByOne: false } as const;

describe('the room of a pool', () => {
  const roomsOf = (run: unknown) => poolRooms(parseSweep(run));

  it('is not known of workers on this machine', () => assert.deepEqual(roomsOf({ on: 'local' }), []));

  it('is what the pool asks Kubernetes for', () => {
    const pools = [
      { name: 'gpu', max: 8, resources: { 'nvidia.com/gpu': 2, memory: '64Gi' } },
      { name: 'cpu', replicas: 3, resources: { cpu: 4, memory: '4Gi' } },
      { name: 'any', queue: 'q' },
    ];
    assert.deepEqual(roomsOf({ on: 'kubernetes', pools }), [
      { name: 'gpu', workers: 8, kind: 'cuda', devices: 2, memoryBytes: 0, ...UNQUEUED },
      { name: 'cpu', workers: 3, kind: 'cpu', devices: 1, memoryBytes: 4 * GIB, ...UNQUEUED },
      { name: 'any', workers: 1, kind: 'cpu', devices: 1, memoryBytes: 0, ...UNQUEUED, isQueued: true },
    ]);
  });

  it('is let in one by one where a queue has a pod for each trial', () => {
    const pools = [{ name: 'a', queue: 'q' }, { name: 'b' }];
    const rooms = roomsOf({ on: 'kubernetes', podPerTrial: true, pools });
    assert.deepEqual(
      rooms.map(({ isLetInOneByOne }) => isLetInOneByOne),
      [true, false],
    );
  });

  const ray: readonly (readonly [object, object])[] = [
    [{}, { workers: null, kind: 'cuda', devices: null, memoryBytes: 0 }],
    [
      { gpus: 2, max_workers: 4 },
      { workers: 4, kind: 'cuda', devices: 2, memoryBytes: 0 },
    ],
    [{ gpus: 0.5 }, { workers: null, kind: 'cuda', devices: 1, memoryBytes: 0 }],
    [
      { gpus: 0, memory: '2GiB' },
      { workers: null, kind: 'cpu', devices: 1, memoryBytes: 2 * GIB },
    ],
  ];
  for (const [asked, room] of ray) {
    it(`is what each worker asks Ray for: ${JSON.stringify(asked)}`, () =>
      assert.deepEqual(roomsOf({ on: 'ray', ray: asked }), [{ name: 'ray', ...UNQUEUED, ...room }]));
  }
});

describe('a trial that no worker of a pool could take', () => {
  const room = { name: 'p', workers: 2, kind: 'cuda', devices: 2, memoryBytes: 0, ...UNQUEUED } as const;
  const need = { devices: 2, machines: 2, memoryBytes: GIB };

  it('is none that needs all of what is there', () => assert.equal(whyNot(room, need), null));
  it('needs more devices than a worker has', () =>
    assert.equal(whyNot(room, { ...need, devices: 3 }), 'a worker has 2 GPUs, and it needs 3 devices'));
  it('needs more than the one CPU of a worker', () =>
    assert.match(whyNot({ ...room, kind: 'cpu', devices: 1 }, need) ?? '', /^a worker has a CPU, and it needs 2 dev/));
  it('needs more workers than all pools that take it ever have', () => {
    assert.equal(whyTooFew([room, room], { ...need, machines: 4 }), null);
    assert.equal(whyTooFew([room, room], { ...need, machines: 5 }), 'there are 4 such workers at most, and it needs 5');
  });
  it('needs more workers than a queue ever lets in together', () => {
    const queued = { ...room, isQueued: true };
    assert.equal(whyNot(queued, need), null);
    assert.match(whyNot(queued, { ...need, machines: 3 }) ?? '', /^there are 2 such workers at most, and it needs 3$/);
  });
  it('needs several at a time of a queue that lets in each alone', () => {
    const queued = { ...room, isQueued: true, isLetInOneByOne: true };
    assert.match(whyNot(queued, need) ?? '', /lets in each pod alone, and it needs 2 at a time: leave out podPerTrial/);
    assert.equal(whyNot(queued, { ...need, machines: 1 }), null);
  });
  it('needs more memory than a worker may use', () =>
    assert.equal(
      whyNot({ ...room, memoryBytes: GIB }, { ...need, memoryBytes: GIB + 1 }),
      'a worker may use 1.0 GiB, and it needs 1.0 GiB',
    ));
  it('is none where nothing is said of how many there are', () =>
    assert.deepEqual(
      [
        whyNot({ ...room, devices: null }, { ...need, devices: 9 }),
        whyTooFew([{ ...room, workers: null }], { ...need, machines: 9 }),
      ],
      [null, null],
    ));
});

describe('an amount of memory as Kubernetes writes it', () => {
  const amounts: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['1500', 1500],
    ['2k', 2000],
    ['1.5Gi', 1.5 * GIB],
    ['3M', 3e6],
    ['1Ti', 2 ** 40],
    ['4000m', 4],
  ];
  for (const [text, bytes] of amounts) it(`${text} is ${bytes}`, () => assert.equal(quantityBytes(text), bytes));
});
