import assert from 'node:assert/strict';
import type { JsonValue } from '../../../orchestrator/core/sweep/place.js';
import { kubernetesSettingsOf } from '../../../orchestrator/core/sweep/places/kubernetes-settings.js';
import { jobOf, secretOf, templateText, threadsOf } from '../../../orchestrator/launchers/kubernetes/worker-job.js';

const AROUND = { namespace: 'ns', plane: 'p', server: 'dss.ns.svc:7333', image: 'default@sha256:0' } as const;

function poolOf(pool: { readonly [key: string]: JsonValue } = {}) {
  const [settings] = kubernetesSettingsOf({ pools: [{ name: 'a', ...pool }] });
  return settings ?? assert.fail();
}

function podOf(pool: { readonly [key: string]: JsonValue } = {}) {
  const job = jobOf({ key: 'a-1', settings: poolOf(pool), secretName: 's', workers: 2 }, AROUND, 'h');
  const spec = job.spec?.template.spec ?? assert.fail();
  const [container] = spec.containers;
  return { job, spec, container: container ?? assert.fail() };
}

describe('the Job of a pool', () => {
  it('waits for its Secret, and ends no worker for a disruption', () => {
    const { job } = podOf();
    assert.equal(job.metadata?.name, 'dss-a-1');
    assert.equal(job.spec?.suspend, true);
    assert.equal(job.spec?.podReplacementPolicy, 'Failed');
    assert.deepEqual(job.spec?.podFailurePolicy?.rules[0]?.action, 'Ignore');
    assert.deepEqual([job.spec?.completions, job.spec?.parallelism], [2, 2]);
  });

  it('of one trial a pod has a worker that ends after it, and makes no other in its place', () => {
    const [settings = assert.fail()] = kubernetesSettingsOf({ pools: [{ name: 'a' }], podPerTrial: true });
    const { spec } = jobOf({ key: 'a-1-0', settings, secretName: 's', workers: 1 }, AROUND, 'h');
    assert.match(spec?.template.spec?.containers[0]?.args?.join(' ') ?? '', /--trials 1 --idle-exit 1200$/);
    assert.deepEqual([spec?.backoffLimitPerIndex, spec?.podFailurePolicy], [0, undefined]);
  });

  it('has a worker that is drained end as one that is told to end does, which no index is blamed for', () => {
    const { job, container } = podOf();
    assert.match(container.args?.join(' ') ?? '', /--drained-status 143$/);
    const byExit = job.spec?.podFailurePolicy?.rules.find(({ onExitCodes }) => onExitCodes !== undefined);
    assert.deepEqual(
      [byExit?.action, byExit?.onExitCodes?.operator, byExit?.onExitCodes?.values],
      ['Ignore', 'In', [143]],
    );
  });

  it('holds neither the token nor the CA, in no field', () => {
    const { job } = podOf();
    const secret = secretOf({ key: 'a-1', secretName: 's' }, AROUND, { uid: 'u' }, { token: 'TOKEN', ca: 'AUTHORITY' });
    assert.ok(!/TOKEN"|AUTHORITY/.test(JSON.stringify(job)));
    assert.equal(secret.metadata?.ownerReferences?.[0]?.uid, 'u');
    assert.deepEqual(secret.stringData, { token: 'TOKEN', 'ca.pem': 'AUTHORITY' });
  });

  it('asks for GPUs by their resource, and gives its worker all of them', () => {
    const { container } = podOf({ resources: { 'nvidia.com/gpu': 2, cpu: '7500m' } });
    const args = container.args?.join(' ') ?? '';
    assert.match(args, /--device cuda:0,1 --threads 7 /);
    assert.deepEqual(container.resources?.limits, container.resources?.requests);
  });

  it('says to no worker who it is to Kubernetes', () => {
    const { spec } = podOf({ serviceAccount: 'someone' });
    assert.equal(spec.automountServiceAccountToken, false);
    assert.equal(spec.serviceAccountName, 'someone');
  });

  it('refers to Secrets, by variable or as files', () => {
    const { spec, container } = podOf({
      secrets: [
        { secret: 'hub', key: 'token', env: 'HF_TOKEN' },
        { secret: 'certs', mountPath: '/certs' },
      ],
    });
    const variable = container.env?.find(({ name }) => name === 'HF_TOKEN');
    assert.deepEqual(variable?.valueFrom, { secretKeyRef: { name: 'hub', key: 'token' } });
    const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === '/certs');
    assert.equal(spec.volumes?.find(({ name }) => name === mount?.name)?.secret?.secretName, 'certs');
  });

  it('goes to a queue by its label', () => {
    const { job } = podOf({ queue: 'gpu' });
    assert.equal(job.metadata?.labels?.['kueue.x-k8s.io/queue-name'], 'gpu');
  });

  it('takes a template over what follows from the rest, list members by their names', () => {
    const { spec, container } = podOf({
      podTemplate: {
        spec: {
          runtimeClassName: 'nvidia',
          enableServiceLinks: null,
          containers: [
            { name: 'worker', env: [{ name: 'A', value: 'b' }] },
            { name: 'side', image: 'x' },
          ],
        },
      },
    });
    assert.equal(spec.runtimeClassName, 'nvidia');
    assert.ok(!('enableServiceLinks' in spec));
    assert.deepEqual(
      spec.containers.map(({ name }) => name),
      ['worker', 'side'],
    );
    assert.ok(container.env?.some(({ name }) => name === 'A'));
    assert.ok(container.env?.some(({ name }) => name === 'DSS_JOIN_TOKEN_FILE'));
  });
});

describe('what a Job is made anew for', () => {
  const text = (pool: { readonly [key: string]: JsonValue } = {}, around: object = {}, ca = 'ca') =>
    templateText('a-1', poolOf(pool), { ...AROUND, ...around }, ca);

  it('is not its size', () => assert.equal(text({ replicas: 2 }), text({ replicas: 3 })));
  it('is another default image', () => assert.notEqual(text(), text({}, { image: 'other' })));
  it('is another address or CA of the control plane', () => {
    assert.notEqual(text(), text({}, { server: 'other:1' }));
    assert.notEqual(text(), text({}, {}, 'other'));
  });
});

describe('threads of a worker', () => {
  for (const [cpu, threads] of [
    [undefined, 1],
    ['500m', 1],
    ['2', 2],
    ['2500m', 2],
    ['3.9', 3],
  ] as const) {
    it(`with cpu ${cpu} are ${threads}`, () => assert.equal(threadsOf(cpu), threads));
  }
});
