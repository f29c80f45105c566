import assert from 'node:assert/strict';
import {
  type Environment,
  environmentDifference,
  keyOfEnvironment,
  nearHits,
  newestEnvironment,
} from '../../orchestrator/core/environment.js';
import { foldCells } from '../../orchestrator/reports/cells.js';
import { mixedOf } from '../../orchestrator/reports/mixed-environment.js';
import { succeeded } from '../support/records.js';

const A100: Environment = {
  python: '3.11.9',
  torch: '2.13.1+cu128',
  transformers: '5.13.0',
  device: 'cuda',
  device_name: 'NVIDIA A100',
  threads: '8',
  host: 'one',
  engine: '3',
  precision: 'bf16',
};

describe('environments', () => {
  const alike: readonly Partial<Environment>[] = [
    { host: 'another' },
    { python: '3.12.1' },
    { threads: '1' },
    { processes: '2' },
  ];
  for (const change of alike) {
    it(`compare although they differ in ${JSON.stringify(change)}`, () => {
      const other = { ...A100, ...change } as Environment;
      assert.equal(environmentDifference(other, A100), null);
      assert.equal(keyOfEnvironment(other), keyOfEnvironment(A100));
      assert.deepEqual(mixedOf([other, A100]), {});
    });
  }

  const different: readonly (readonly [Partial<Environment>, string])[] = [
    [{ device_name: 'NVIDIA H100' }, 'device_name NVIDIA H100 instead of NVIDIA A100'],
    [{ torch: '2.13.0+cu128' }, 'torch 2.13.0+cu128 instead of 2.13.1+cu128'],
    [{ transformers: '5.24.0' }, 'transformers 5.24.0 instead of 5.13.0'],
    [{ engine: '4' }, 'engine 4 instead of 3'],
    [
      { device: 'cpu', device_name: 'EPYC', torch: '3.13.1' },
      'torch 3.13.1 instead of 2.13.1+cu128, device cpu instead of cuda, device_name EPYC instead of NVIDIA A100',
    ],
  ];
  for (const [change, words] of different) {
    it(`do not compare: ${words}`, () => {
      const other = { ...A100, ...change } as Environment;
      assert.equal(environmentDifference(other, A100), words);
      assert.notEqual(keyOfEnvironment(other), keyOfEnvironment(A100));
      assert.deepEqual(new Set(Object.keys(mixedOf([other, A100]))), new Set(Object.keys(change)));
    });
  }

  it('may be any in what they do not say, and compare with others that say as little', () => {
    const { engine: _, ...older } = A100;
    assert.equal(environmentDifference(older as Environment, A100), 'engine not said instead of 3');
    assert.equal(environmentDifference({ ...A100, engine: '' }, A100), 'engine not said instead of 3');
    assert.equal(environmentDifference(older as Environment, { ...older, host: 'another' } as Environment), null);
  });

  const CPU = { ...A100, device: 'cpu', device_name: 'EPYC' };
  for (const change of [...alike, ...different.map(([each]) => each)]) {
    it(`are one for a sweep that takes results over if they are one for its report, with ${JSON.stringify(change)}`, () => {
      for (const first of [A100, CPU]) {
        const second = { ...first, ...change } as Environment;
        const records = [first, second].map((environment, seed) => succeeded({ seed }, { environment }));
        const isMadeAgain = nearHits([{ trialId: 'a', environment: first, endedAtUnixMs: 0 }], second).length > 0;
        assert.equal(foldCells(records).length > 1, isMadeAgain);
      }
    });
  }
});

describe('near hits', () => {
  const old = { trialId: 'old', environment: A100, endedAtUnixMs: 1_000 };
  const fresh = { trialId: 'fresh', environment: { ...A100, device_name: 'NVIDIA H100' }, endedAtUnixMs: 2_000 };
  const difference = 'device_name NVIDIA A100 instead of NVIDIA H100';

  it('are finished trials of another environment than the newest result', () => {
    assert.deepEqual(nearHits([old, fresh]), [{ trialId: 'old', difference }]);
    assert.deepEqual(nearHits([fresh, old]), [{ trialId: 'old', difference }]);
  });

  it('are held against what the caller says, where it says so', () => {
    assert.deepEqual(
      nearHits([old, fresh], A100).map(({ trialId }) => trialId),
      ['fresh'],
    );
  });

  it('are none where nothing has finished', () => {
    assert.deepEqual(nearHits([]), []);
    assert.equal(newestEnvironment([]), null);
  });
});
