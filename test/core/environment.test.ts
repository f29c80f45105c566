import assert from 'node:assert/strict';
import {
  comparableKey,
  type Environment,
  environmentDifference,
  nearHits,
  newestEnvironment,
} from '../../orchestrator/core/environment.js';

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
    { torch: '2.13.0+cpu' },
    { transformers: '5.24.0' },
    { threads: '1' },
    { processes: '2' },
  ];
  for (const change of alike) {
    it(`compare although they differ in ${JSON.stringify(change)}`, () => {
      const other = { ...A100, ...change } as Environment;
      assert.equal(environmentDifference(other, A100), null);
      assert.equal(comparableKey(other), comparableKey(A100));
    });
  }

  const different: readonly (readonly [Partial<Environment>, string])[] = [
    [{ device_name: 'NVIDIA H100' }, 'device_name NVIDIA H100 instead of NVIDIA A100'],
    [{ torch: '2.15.0+cu128' }, 'torch 2.15 instead of 2.13'],
    [{ transformers: '4.57.1' }, 'transformers 4 instead of 5'],
    [{ engine: '4' }, 'engine 4 instead of 3'],
    [
      { device: 'cpu', device_name: 'EPYC', torch: '3.13.1' },
      'device cpu instead of cuda, device_name EPYC instead of NVIDIA A100, torch 3.13 instead of 2.13',
    ],
  ];
  for (const [change, words] of different) {
    it(`do not compare: ${words}`, () => {
      const other = { ...A100, ...change } as Environment;
      assert.equal(environmentDifference(other, A100), words);
      assert.notEqual(comparableKey(other), comparableKey(A100));
    });
  }

  it('are not held to what they do not say', () => {
    assert.equal(environmentDifference({ torch: '2.13.1' }, A100), null);
    assert.equal(environmentDifference(A100, {}), null);
  });
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
