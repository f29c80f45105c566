import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  kubernetesPoolsOf,
  kubernetesSettingsOf,
} from '../../../orchestrator/core/sweep/places/kubernetes-settings.js';
import { SpecError } from '../../../orchestrator/core/sweep/spec-error.js';
import { parseSweep } from './parse-sweep.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const mistakes: readonly (readonly [string, unknown, string])[] = [
  ['a name with a capital', [{ name: 'GPU' }], 'run.pools[0].name'],
  ['two pools of one name', [{ name: 'a' }, { name: 'a' }], 'run.pools[1].name'],
  ['no pools', [], 'run.pools'],
  ['replicas beside max', [{ name: 'a', replicas: 1, max: 2 }], 'run.pools[0].replicas'],
  ['min above max', [{ name: 'a', min: 3, max: 2 }], 'run.pools[0].max'],
  ['min without max', [{ name: 'a', min: 3 }], 'run.pools[0].min'],
  ['an amount that is none', [{ name: 'a', resources: { cpu: 'four' } }], 'run.pools[0].resources.cpu'],
  ['a variable of ours', [{ name: 'a', env: { DSS_JOIN_TOKEN: 'x' } }], 'run.pools[0].env.DSS_JOIN_TOKEN'],
  ['a variable that loads code', [{ name: 'a', env: { LD_PRELOAD: '/x' } }], 'run.pools[0].env.LD_PRELOAD'],
  [
    'a mount of no volume',
    [{ name: 'a', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    'run.pools[0].volumeMounts[0].name',
  ],
  [
    'a path upwards',
    [{ name: 'a', secrets: [{ secret: 's', mountPath: '/a/../b' }] }],
    'run.pools[0].secrets[0].mountPath',
  ],
  ['a secret seen in no way', [{ name: 'a', secrets: [{ secret: 's' }] }], 'run.pools[0].secrets[0]'],
  ['a template of something else', [{ name: 'a', podTemplate: { kind: 'Pod' } }], 'run.pools[0].podTemplate'],
  ['an unknown key', [{ name: 'a', replica: 2 }], 'run.pools[0].replica'],
  ['an unknown key of a toleration', [{ name: 'a', tolerations: [{ keys: 'x' }] }], 'run.pools[0].tolerations[0].keys'],
];

describe('pools of a sweep file', () => {
  for (const [what, pools, path] of mistakes) {
    it(`are refused for ${what}, at ${path}`, () => {
      assert.throws(
        () => parseSweep({ on: 'kubernetes', pools }),
        (error) => {
          assert.ok(error instanceof SpecError);
          assert.deepEqual([...new Set(error.issues.map((issue) => issue.path))], [path]);
          return true;
        },
      );
    });
  }

  it('are refused beside another place', () => {
    assert.throws(() => parseSweep({ on: 'local', pools: [{ name: 'a' }] }), /it is for on: kubernetes/);
  });

  it('are refused where a pod for each trial is neither wanted nor not', () => {
    assert.throws(
      () => parseSweep({ on: 'kubernetes', podPerTrial: 'yes' }),
      (error) => error instanceof SpecError && error.issues[0]?.path === 'run.podPerTrial',
    );
  });

  it('guess what an unknown key was meant to be', () => {
    assert.throws(
      () => parseSweep({ on: 'kubernetes', pools: [{ name: 'a', nodeSelectr: {} }] }),
      (error) => error instanceof SpecError && error.issues[0]?.hint === 'did you mean nodeSelector?',
    );
  });

  it('are one worker where none is named', () => {
    const [pool, ...more] = kubernetesSettingsOf({});
    assert.deepEqual([pool?.name, pool?.min, pool?.max, more.length], ['workers', 0, 1, 0]);
  });

  it('survive being kept as they were checked', () => {
    const place = parseSweep({
      on: 'kubernetes',
      pools: [{ name: 'a', replicas: 2, resources: { cpu: 4 }, nodeSelector: { spot: true }, env: { N: 1 } }],
    });
    const [pool] = kubernetesSettingsOf(JSON.parse(JSON.stringify(place.settings)));
    assert.deepEqual(pool?.shape.resources, { cpu: '4' });
    assert.deepEqual(pool?.shape.nodeSelector, { spot: 'true' });
    assert.deepEqual(pool?.shape.env, { N: '1' });
  });
});

describe('the name of a pool', () => {
  const nameOf = (pool: object) => kubernetesPoolsOf({ pools: [{ name: 'a', ...pool }] }, sha256)[0] ?? '';

  it('is one that a join token may have', () => assert.match(nameOf({}), /^kubernetes\.a-[0-9a-f]{8}$/));
  it('does not change with its size', () => assert.equal(nameOf({ replicas: 3 }), nameOf({ min: 1, max: 9 })));
  it('changes with what its pods take', () => {
    const [pool = ''] = kubernetesPoolsOf({ pools: [{ name: 'a' }], podPerTrial: true }, sha256);
    assert.notEqual(pool, nameOf({}));
  });
  it('changes with what its pods are', () => assert.notEqual(nameOf({ image: 'x' }), nameOf({ image: 'y' })));
  it('does not change with the order of keys', () => {
    assert.equal(
      nameOf({ resources: { cpu: '1', memory: '1Gi' } }),
      nameOf({ resources: { memory: '1Gi', cpu: '1' } }),
    );
  });
});
