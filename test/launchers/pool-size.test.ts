import assert from 'node:assert/strict';
import { type Machine, sharesOf } from '../../orchestrator/launchers/pool-size.js';

const machine = (cores: number, memoryGiB: number, gpus = 0): Machine => ({
  cores,
  memoryBytes: memoryGiB * 1024 ** 3,
  gpus,
});

describe('a pool of workers', () => {
  const cases: readonly (readonly [string, Machine, 'auto' | number, number, number, number])[] = [
    ['has a worker per core', machine(4, 64), 'auto', 100, 4, 1],
    ['has no more workers than memory bears, and gives them all cores', machine(16, 17), 'auto', 100, 4, 4],
    ['has no more workers than trials', machine(8, 64), 'auto', 3, 3, 2],
    ['has one worker on the smallest machine', machine(1, 1), 'auto', 100, 1, 1],
    ['has as many workers as were asked for', machine(2, 4), 6, 100, 6, 1],
    ['has a worker per GPU', machine(16, 128, 4), 'auto', 100, 4, 4],
  ];
  for (const [title, of, workers, trials, count, threads] of cases) {
    it(title, () => {
      const shares = sharesOf(of, workers, { trials, toRun: trials });
      assert.equal(shares.length, count);
      for (const share of shares) assert.equal(share.threads, threads);
    });
  }

  for (const workers of ['auto', 4] as const) {
    it(`gives the last trial of a sweep as many threads as the others had (${workers})`, () => {
      const [first, ...others] = sharesOf(machine(4, 64), workers, { trials: 100, toRun: 1 });
      assert.deepEqual([first?.threads, others.length], [1, 0]);
    });
  }

  it('gives each worker as many GPUs as the widest trial needs, neighbours each', () => {
    const of = (gpus: number, devices: number) =>
      sharesOf(machine(16, 128, gpus), 'auto', { trials: 100, toRun: 100, devices }).map(({ device }) => device);
    assert.deepEqual(of(8, 4), ['cuda:0,1,2,3', 'cuda:4,5,6,7']);
    assert.deepEqual(of(5, 2), ['cuda:0,1', 'cuda:2,3']);
    // Too few for such a trial: the others have a worker nevertheless.
    assert.deepEqual(of(2, 4), ['cuda:0,1']);
    assert.deepEqual(of(0, 4)[0], 'cpu');
  });

  it('counts for each worker the trials that share its device', () => {
    const of = (at: Machine, workers: 'auto' | number, slots: number, devices = 1) =>
      sharesOf(at, workers, { trials: 100, toRun: 100, slots, devices }).map((share) => Object.values(share).join(' '));
    assert.deepEqual(of(machine(4, 64), 'auto', 2), Array(2).fill('cpu 1 2'));
    assert.deepEqual(of(machine(16, 17), 'auto', 2), Array(2).fill('cpu 4 2'));
    assert.deepEqual(of(machine(1, 4), 'auto', 2), ['cpu 1 2']);
    assert.deepEqual(of(machine(12, 64), 2, 3), Array(2).fill('cpu 2 3'));
    assert.deepEqual(of(machine(16, 128, 2), 'auto', 4), ['cuda:0 2 4', 'cuda:1 2 4']);
    // What has several GPUs has them alone.
    assert.deepEqual(of(machine(16, 128, 2), 'auto', 4, 2), ['cuda:0,1 16 1']);
    assert.equal(sharesOf(machine(8, 64), 'auto', { trials: 9, toRun: 3, slots: 2 }).length, 2);
  });

  it('goes round the GPUs when more workers than GPUs were asked for', () => {
    const devices = sharesOf(machine(8, 64, 2), 3, { trials: 100, toRun: 100 }).map(({ device }) => device);
    assert.deepEqual(devices, ['cuda:0', 'cuda:1', 'cuda:0']);
  });
});
