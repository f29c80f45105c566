import assert from 'node:assert/strict';
import { join } from 'node:path';
import { AuthorizationV1Api, type V1Pod, type V1ResourceAttributes } from '@kubernetes/client-node';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';
import { until } from '../support/until.js';
import { type GivenCluster, givenCluster, isRunning } from './given-cluster.js';
import { LIVES, ToldLauncher } from './told-launcher.js';

const BASE = join(REPOSITORY, 'k8s');

const RESOURCES = [
  'configmaps',
  'events',
  'jobs',
  'networkpolicies',
  'nodes',
  'persistentvolumeclaims',
  'pods',
  'pods/eviction',
  'pods/exec',
  'pods/log',
  'pods/portforward',
  'rolebindings',
  'roles',
  'secrets',
  'serviceaccounts',
  'serviceaccounts/token',
  'services',
  'statefulsets',
] as const;
const GROUP: Readonly<Record<string, string>> = {
  jobs: 'batch',
  networkpolicies: 'networking.k8s.io',
  rolebindings: 'rbac.authorization.k8s.io',
  roles: 'rbac.authorization.k8s.io',
  statefulsets: 'apps',
};
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;

/** All that the control plane may do in its namespace. */
const ALLOWED: readonly string[] = [
  'create configmaps',
  'create jobs',
  'create secrets',
  'delete jobs',
  'delete secrets',
  'get pods/log',
  'list events',
  'list jobs',
  'list pods',
  'patch jobs',
  'watch pods',
];

describe('the manifests on a real API server', () => {
  let cluster: GivenCluster;

  before(async function () {
    cluster = await givenCluster(this);
    await cluster.kubectl(['apply', '--server-side', '--validate=strict', '-k', BASE]);
  });

  after(async () => {
    await cluster?.kubectl(['delete', 'namespace', 'dss', '--wait=false']);
  });

  for (const overlay of ['nvidia', 'shared-volume']) {
    it(`of the overlay ${overlay} are taken as they are`, async () => {
      const folder = join(BASE, 'overlays', overlay);
      await cluster.kubectl(['apply', '--server-side', '--validate=strict', '--dry-run=server', '-k', folder]);
    });
  }

  it('of the overlay kueue are the base and its queues, whose kinds are not here', async () => {
    const kinds = async (folder: string) =>
      [...(await cluster.kubectl(['kustomize', join(BASE, folder)])).matchAll(/^kind: (.*)$/gm)].map(
        ([, kind]) => kind,
      );
    const base = new Set(await kinds('base'));
    assert.deepEqual(
      (await kinds('overlays/kueue')).filter((kind) => !base.has(kind)),
      ['ClusterQueue', 'LocalQueue', 'ResourceFlavor'],
    );
  });

  it('make a pod that Pod Security restricted admits', async () => {
    const namespace = 'dss';
    await until(async () => (await cluster.core.listNamespacedPod({ namespace })).items.length > 0);
    const labels = (await cluster.core.readNamespace({ name: namespace })).metadata?.labels ?? {};
    assert.equal(labels['pod-security.kubernetes.io/enforce'], 'restricted');
    const [pod] = (await cluster.core.listNamespacedPod({ namespace })).items;
    assert.equal(pod?.metadata?.name, 'dss-0');
  });

  it('let the control plane do what it does, and nothing else', async () => {
    const asked: V1ResourceAttributes[] = RESOURCES.flatMap((each) =>
      VERBS.map((verb) => {
        const [resource = '', subresource = ''] = each.split('/');
        return { namespace: 'dss', group: GROUP[resource] ?? '', resource, subresource, verb };
      }),
    );
    const allowed = await allowedOf(asked);
    assert.deepEqual(allowed, ALLOWED);
  });

  it('give the control plane all that its launcher needs', async () => {
    const namespace = cluster.namespaceNamed('dss');
    const token = (await cluster.kubectl(['create', 'token', 'dss', '-n', 'dss'])).trim();
    using folder = temporaryFolder();
    const options = { connection: namespace.connection({ token }), publishesCa: true, keepsWorkers: false };
    const told = new ToldLauncher(folder.path, options);
    const pool = { name: 'a', min: 0, max: 3, idleMinutes: 0 };
    try {
      await told.want([{ ...pool, command: LIVES }], 1);
      const isWorker = ({ metadata }: V1Pod) => metadata?.labels?.['app.kubernetes.io/component'] === 'worker';
      await namespace.podsAre((pods) => pods.some((pod) => isWorker(pod) && isRunning(pod)));
      await told.want([{ ...pool, command: LIVES }], 2);
      await namespace.podsAre((pods) => pods.filter((pod) => isWorker(pod) && isRunning(pod)).length === 2);
      await told.want([{ ...pool, command: ['/bin/sh', '-c', 'echo last words; exit 1'] }], 1);
      await until(() => [...told.exits.values()].some(({ detail }) => detail === 'last words'));
      await told.want([{ ...pool, command: LIVES, serviceAccount: 'nobody' }], 1);
      await told.notice('POD_REFUSED');
      const ca = await cluster.core.readNamespacedConfigMap({ namespace: 'dss', name: 'dss-ca' });
      assert.equal(ca.data?.['ca.pem'], 'the CA');
      assert.ok(!told.notices.has('api'), JSON.stringify([...told.notices]));
    } finally {
      await told.launcher.close();
    }
    assert.deepEqual((await cluster.batch.listNamespacedJob({ namespace: 'dss' })).items, []);
  });

  it('let it change one ConfigMap, the one with the CA', async () => {
    const patch = (name: string) => ({ namespace: 'dss', group: '', resource: 'configmaps', verb: 'patch', name });
    assert.deepEqual(await allowedOf([patch('dss-ca'), patch('other')]), ['patch configmaps dss-ca']);
  });

  it('let it do nothing elsewhere', async () => {
    const elsewhere = ['default', 'kube-system', ''].flatMap((namespace) =>
      VERBS.flatMap((verb) =>
        ['pods', 'secrets', 'jobs'].map((resource) => {
          return { namespace, group: GROUP[resource] ?? '', resource, verb };
        }),
      ),
    );
    assert.deepEqual(await allowedOf(elsewhere), []);
  });

  it('let no worker do anything', async () => {
    const asked = ['pods', 'secrets', 'jobs'].flatMap((resource) =>
      VERBS.map((verb) => ({ namespace: 'dss', group: GROUP[resource] ?? '', resource, verb })),
    );
    assert.deepEqual(await allowedOf(asked, 'system:serviceaccount:dss:default'), []);
  });

  const allowedOf = async (
    asked: readonly V1ResourceAttributes[],
    user = 'system:serviceaccount:dss:dss',
  ): Promise<readonly string[]> => {
    const authorization = cluster.config.makeApiClient(AuthorizationV1Api);
    const groups = ['system:serviceaccounts', 'system:serviceaccounts:dss', 'system:authenticated'];
    const words = await Promise.all(
      asked.map(async (resourceAttributes) => {
        const body = { spec: { user, groups, resourceAttributes } };
        const { status } = await authorization.createSubjectAccessReview({ body });
        const { verb, resource, subresource, name } = resourceAttributes;
        const what = subresource ? `${resource}/${subresource}` : resource;
        return status?.allowed === true ? [[verb, what, name].filter(Boolean).join(' ')] : [];
      }),
    );
    return words.flat().sort();
  };
});
