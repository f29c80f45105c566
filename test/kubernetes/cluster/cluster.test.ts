import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { givenCluster } from '../given-cluster.js';
import type { Cluster } from './cluster.js';

interface PodJson {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
    readonly containerStatuses?: readonly {
      readonly restartCount: number;
      readonly state: {
        readonly terminated?: { readonly exitCode: number };
        readonly waiting?: { readonly reason: string };
      };
    }[];
  };
}

interface PodWish {
  readonly script: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly container?: Readonly<Record<string, unknown>>;
}

describe('the test cluster', () => {
  let cluster: Cluster;

  before(async function () {
    cluster = (await givenCluster(this)).parts;
    await cluster.addNode('node-2', { labels: { 'dss.internal/test': 'yes' } });
  });

  after(async () => {
    await cluster?.kubectl(['delete', 'pods', '--all', '--force', '--grace-period=0']);
    await cluster?.removeNode('node-2');
  });

  const apply = async (...objects: readonly object[]): Promise<void> => {
    for (const object of objects) await cluster.kubectl(['create', '-f', '-'], JSON.stringify(object));
  };

  const pod = (name: string, { script, spec = {}, container = {} }: PodWish): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'any', command: ['/bin/sh', '-c', script], ...container }],
      ...spec,
    },
  });

  const read = async (name: string): Promise<PodJson> =>
    JSON.parse(await cluster.kubectl(['get', 'pod', name, '-o', 'json'])) as PodJson;

  const podIs = async (name: string, holds: (pod: PodJson) => boolean): Promise<PodJson> => {
    for (;;) {
      const seen = await read(name);
      if (holds(seen)) return seen;
      await sleep(50);
    }
  };

  const inPhase = (name: string, phase: string) => podIs(name, ({ status }) => status.phase === phase);
  const exitCodeOf = ({ status }: PodJson) => status.containerStatuses?.[0]?.state.terminated?.exitCode;
  const end = (name: string) => cluster.kubectl(['wait', '--for=delete', `pod/${name}`, '--timeout=30s']);

  it('runs a pod where its node selector says, and tells how it ended', async () => {
    await apply(pod('seven', { script: 'exit 7', spec: { nodeSelector: { 'dss.internal/test': 'yes' } } }));
    const ended = await inPhase('seven', 'Failed');
    assert.deepEqual([ended.spec.nodeName, exitCodeOf(ended)], ['node-2', 7]);
  });

  it('gives it its Secrets and config maps as variables and files, and its own fields', async () => {
    await apply(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'token' }, stringData: { token: 's3cret' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' }, data: { a: 'one', b: 'two' } },
      pod('given', {
        script: 'echo $TOKEN $(cat /run/dss/test/token) $A $(cat /made/x) $NAME; echo "$1"; exec ls /made',
        container: {
          args: ['sh', '$(NAME) $$(NAME)'],
          env: [
            { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'token', key: 'token' } } },
            { name: 'A', valueFrom: { configMapKeyRef: { name: 'map', key: 'a' } } },
            { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          ],
          volumeMounts: [
            { name: 's', mountPath: '/run/dss/test', readOnly: true },
            { name: 'm', mountPath: '/made' },
          ],
        },
        spec: {
          volumes: [
            { name: 's', secret: { secretName: 'token' } },
            { name: 'm', configMap: { name: 'map', items: [{ key: 'b', path: 'x' }] } },
          ],
        },
      }),
    );
    await inPhase('given', 'Succeeded');
    assert.equal(await cluster.kubectl(['logs', 'given']), 's3cret s3cret one two given\ngiven $(NAME)\nx\n');
  });

  it('gives it the token of its service account, behind a link of the file system, and makes nothing there outside', async () => {
    const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
    await apply(pod('account', { script: `cut -c1-2 ${folder}/token; cat ${folder}/namespace` }));
    await inPhase('account', 'Succeeded');
    assert.equal(await cluster.kubectl(['logs', 'account']), 'ey\ndefault\n');
    assert.equal(existsSync(folder), false);
  });

  it('keeps what it writes from this machine, and lets it write nowhere but into its volumes where so told', async () => {
    await apply(
      pod('writes', { script: 'echo x > /etc/dss-test-layer && cat /etc/dss-test-layer' }),
      pod('reads', {
        script: 'echo x > /data/x; echo x > /etc/dss-test-layer',
        container: {
          securityContext: { readOnlyRootFilesystem: true },
          volumeMounts: [{ name: 'd', mountPath: '/data' }],
        },
        spec: { volumes: [{ name: 'd', emptyDir: {} }] },
      }),
      pod('sees', { script: 'test ! -e /etc/dss-test-layer' }),
    );
    await Promise.all([inPhase('writes', 'Succeeded'), inPhase('reads', 'Failed'), inPhase('sees', 'Succeeded')]);
    const said = await cluster.kubectl(['logs', 'reads']);
    assert.match(said, /^[^\n]*\/etc\/dss-test-layer: Read-only file system\n$/);
  });

  it('tells it to end, and ends it when it does not', async () => {
    await apply(
      pod('gentle', { script: 'trap "exit 143" TERM; echo up; while :; do sleep 0.02; done' }),
      pod('deaf', { script: 'trap "" TERM; echo up; while :; do sleep 0.02; done' }),
    );
    for (const [name, code] of [
      ['gentle', 143],
      ['deaf', 137],
    ] as const) {
      await podIs(name, ({ status }) => status.phase === 'Running');
      await followUntil(name, 'up');
      const watching = podIs(name, (seen) => exitCodeOf(seen) !== undefined);
      await cluster.kubectl(['patch', 'pod', name, '-p', '{"metadata":{"finalizers":["dss.internal/held"]}}']);
      await cluster.kubectl(['delete', 'pod', name, '--wait=false']);
      assert.equal(exitCodeOf(await watching), code);
      await cluster.kubectl(['patch', 'pod', name, '-p', '{"metadata":{"finalizers":null}}']);
      await end(name);
    }
  });

  const followUntil = async (name: string, line: string): Promise<void> => {
    while (!(await cluster.kubectl(['logs', name])).includes(line)) await sleep(20);
  };

  it('keeps why a pod was evicted beside what its node says of it', async () => {
    await apply(pod('evicted', { script: 'trap "sleep 0.5; exit 143" TERM; echo up; while :; do sleep 0.02; done' }));
    await inPhase('evicted', 'Running');
    await followUntil('evicted', 'up');
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted', namespace: 'default' } };
    await cluster.kubectl(['patch', 'pod', 'evicted', '-p', '{"metadata":{"finalizers":["dss.internal/held"]}}']);
    await cluster.kubectl(
      ['create', '--raw', '/api/v1/namespaces/default/pods/evicted/eviction', '-f', '-'],
      JSON.stringify(eviction),
    );
    const ended = await inPhase('evicted', 'Failed');
    const target = ended.status.conditions?.find(({ type }) => type === 'DisruptionTarget');
    assert.deepEqual([target?.status, target?.reason], ['True', 'EvictionByEvictionAPI']);
    await cluster.kubectl(['patch', 'pod', 'evicted', '-p', '{"metadata":{"finalizers":null}}']);
  });

  it('gives the log of a container line by line while it runs, the end of it, and with times', async () => {
    await apply(pod('talks', { script: 'for i in 1 2 3; do echo line $i; sleep 0.2; done; echo low >&2' }));
    await podIs('talks', ({ status }) => status.phase !== 'Pending');
    assert.equal(await cluster.kubectl(['logs', '--follow', 'talks']), 'line 1\nline 2\nline 3\nlow\n');
    assert.equal(await cluster.kubectl(['logs', '--tail=2', 'talks']), 'line 3\nlow\n');
    assert.match(await cluster.kubectl(['logs', '--tail=1', '--timestamps', 'talks']), /^\d{4}-\d\d-\d\dT\S+Z low\n$/);
  });

  it('starts a container again where its pod says so', async () => {
    await apply(pod('again', { script: 'test -e /data/x && exit 0; : > /data/x; exit 3', ...AGAIN }));
    const ended = await inPhase('again', 'Succeeded');
    assert.equal(ended.status.containerStatuses?.[0]?.restartCount, 1);
  });

  it('says what a container waits for, and goes on when it is there', async () => {
    const env = [{ name: 'X', valueFrom: { secretKeyRef: { name: 'late', key: 'x' } } }];
    await apply(
      pod('waits', { script: 'echo $X', container: { env } }),
      pod('pulls', { script: '', container: { image: 'missing/image:1' } }),
    );
    const reason = ({ status }: PodJson) => status.containerStatuses?.[0]?.state.waiting?.reason;
    await podIs('waits', (seen) => reason(seen) === 'CreateContainerConfigError');
    await podIs('pulls', (seen) => reason(seen) === 'ImagePullBackOff');
    await apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'late' }, stringData: { x: 'came' } });
    await inPhase('waits', 'Succeeded');
    assert.equal(await cluster.kubectl(['logs', 'waits']), 'came\n');
  });

  it('gives up the pods of a node that is gone, and what runs there ends with it', async () => {
    await cluster.addNode('node-3', { labels: { 'dss.internal/doomed': 'yes' } });
    const spec = { nodeSelector: { 'dss.internal/doomed': 'yes' } };
    await apply(pod('lost', { script: 'while :; do sleep 0.05; done', spec }));
    await inPhase('lost', 'Running');
    await cluster.node('node-3').stop('SIGKILL');
    const lost = await podIs('lost', ({ status }) =>
      Boolean(status.conditions?.some(({ type }) => type === 'DisruptionTarget')),
    );
    assert.equal(
      lost.status.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason,
      'DeletionByTaintManager',
    );
    // Kubernetes itself would wait for 40 seconds more.
    await cluster.removeNode('node-3');
    await cluster.kubectl(['delete', 'pod', 'lost', '--force', '--grace-period=0']);
  });

  it('goes on where it was when its API server is killed and started again', async () => {
    await apply(pod('meanwhile', { script: 'while [ ! -e /data/go ]; do sleep 0.05; done; echo done', ...AGAIN }));
    await inPhase('meanwhile', 'Running');
    await cluster.killApiServer();
    await assert.rejects(cluster.kubectl(['get', 'pods', '--request-timeout=2s']));
    await cluster.startApiServer();
    await apply(pod('after', { script: 'exit 0' }));
    await inPhase('after', 'Succeeded');
    await cluster.kubectl(['delete', 'pod', 'meanwhile', '--wait=false']);
    await end('meanwhile');
  });
});

const AGAIN = {
  spec: { restartPolicy: 'OnFailure', volumes: [{ name: 'd', emptyDir: {} }] },
  container: { volumeMounts: [{ name: 'd', mountPath: '/data' }] },
} as const;
