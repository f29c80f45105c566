/**
 * Real trials in pods of a real cluster, in whose middle something is taken away. However that is, each trial is done
 * once, from its last checkpoint, and nothing of the sweep is left in the cluster.
 */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalEvent } from '../../orchestrator/core/events.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import type { RunningDss } from '../support/dss.js';
import { historyOf, writeTinySweep } from '../support/tiny-sweep.js';
import { until } from '../support/until.js';
import { firstProcessOf } from './cluster/pod-process.js';
import { Deployment } from './deployment.js';

/** How long an API server is away: the fault itself, and not a wait for something. */
const AWAY_MS = 30_000;

interface Running {
  readonly sweep: RunningDss;
  /** A pod whose worker has written a checkpoint of its trial. */
  readonly worker: string;
}

describe('a sweep on Kubernetes goes on', () => {
  let deployment: Deployment;
  let model: string;
  /** Of trials that are unlike those before. */
  let seed = 0;

  before(async function () {
    deployment = await Deployment.start(this);
    model = deployment.copied('sweeps', 'models', 'dispatch-t5');
  });

  after(() => deployment?.remove());

  /** Two trials, each with a worker, until one of them has something to lose. */
  const begin = async (pool: Readonly<Record<string, unknown>> = {}): Promise<Running> => {
    seed += 2;
    const name = `faults-${seed}`;
    const train = { eval_steps: 40, checkpoint_steps: 5 };
    const seeds = [seed, seed + 1];
    const file = writeTinySweep(deployment.folder, { name, methods: ['standard'], seeds, maxSteps: 80, model, train });
    const pools = [{ name: 'pool', max: 2, idleMinutes: 0, resources: { cpu: 1 }, ...pool }];
    appendFileSync(file, `run: ${JSON.stringify({ on: 'kubernetes', pools })}\n`);
    const seen = eventsOf(deployment.home).length;
    const sweep = deployment.start('sweep', file);
    let worker: string | undefined;
    const look = () => {
      const events = eventsOf(deployment.home).slice(seen);
      const kept = events.find((event) => event.kind === 'checkpointed');
      const begun = events.find((event) => event.kind === 'begun' && event.lease.trialId === kept?.lease.trialId);
      worker = begun?.kind === 'begun' ? begun.workerId : undefined;
      return worker !== undefined;
    };
    await Promise.race([until(look), sweep.finished.then(({ stderr }) => assert.fail(`it ended first:\n${stderr}`))]);
    return { sweep, worker: worker as string };
  };

  const ends = async ({ sweep }: Running): Promise<void> => {
    const { code, stdout, stderr } = await sweep.finished;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /2 of 2 trials done/);
    const succeeded = [...historyOf(deployment.home).values()].map((counts) => counts.succeeded);
    assert.deepEqual(
      succeeded,
      Array.from({ length: seed }, () => 1),
    );
    await until(async () => (await deployment.left()).length === 0);
  };

  const podNamed = async (name: string) => {
    const pod = (await deployment.workers()).find(({ metadata }) => metadata?.name === name);
    return pod?.metadata ?? assert.fail(`there is no pod ${name}`);
  };

  /** What a trial lost its worker for; `null`: it was given back in order. */
  const lossOf = (worker: string): string | null => {
    const lost = eventsOf(deployment.home).find((event, index, all) => {
      if (event.kind !== 'requeued') return false;
      const begun = all
        .slice(0, index)
        .findLast((each) => each.kind === 'begun' && each.lease.token === event.lease.token);
      return begun?.kind === 'begun' && begun.workerId === worker;
    });
    return lost?.kind === 'requeued' ? (lost.failure?.kind ?? null) : assert.fail(`${worker} lost no trial`);
  };

  it('when a pod is evicted', async () => {
    const running = await begin();
    const name = running.worker;
    await deployment.cluster.core.createNamespacedPodEviction({ namespace: 'dss', name, body: { metadata: { name } } });
    await ends(running);
    assert.equal(lossOf(name), null, 'its worker wrote a checkpoint and gave it back');
  });

  it('when a worker is killed', async () => {
    const running = await begin();
    const { uid } = await podNamed(running.worker);
    process.kill(firstProcessOf(uid ?? ''), 'SIGKILL');
    await ends(running);
    assert.equal(lossOf(running.worker), 'lost');
  });

  it('when somebody deletes its Job', async () => {
    const running = await begin();
    await deployment.cluster.kubectl(['delete', 'jobs', '-n', 'dss', '--all', '--wait=false']);
    await ends(running);
  });

  it('when its control plane is deleted, and the next one is scheduled', async () => {
    const running = await begin();
    const { uid } = (await deployment.plane()).metadata ?? {};
    await deployment.cluster.kubectl(['delete', 'pod', '-n', 'dss', 'dss-0', '--wait=false']);
    await ends(running);
    assert.notEqual((await deployment.plane()).metadata?.uid, uid);
  });

  it('when its control plane is killed', async () => {
    const running = await begin();
    const plane = await deployment.plane();
    process.kill(firstProcessOf(plane.metadata?.uid ?? ''), 'SIGKILL');
    await ends(running);
    assert.equal((await deployment.plane()).status?.containerStatuses?.[0]?.restartCount, 1);
  });

  it('when the API server is killed, and is back after 30 s', async () => {
    const running = await begin();
    const { parts } = deployment.cluster;
    await parts.killApiServer();
    await sleep(AWAY_MS);
    await parts.startApiServer();
    await ends(running);
  });

  it('when a pod of a higher priority takes the place of its worker', async () => {
    const { kubectl, parts } = deployment.cluster;
    await parts.addNode('node-seat', { ...deployment.node, capacity: { 'dss.internal/seat': '1' } });
    await kubectl(['create', 'priorityclass', 'urgent', '--value=1000']);
    try {
      const running = await begin({ max: 1, resources: { cpu: 1, 'dss.internal/seat': 1 } });
      const resources = { limits: { 'dss.internal/seat': '1' }, requests: { 'dss.internal/seat': '1' } };
      const container = { name: 'main', image: 'any', command: ['/bin/sh', '-c', 'exit 0'], resources };
      const spec = { priorityClassName: 'urgent', restartPolicy: 'Never', containers: [container] };
      const urgent = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'urgent', namespace: 'default' }, spec };
      await kubectl(['create', '-f', '-'], JSON.stringify(urgent));
      await ends(running);
      assert.equal(lossOf(running.worker), null);
      const { status } = await deployment.cluster.core.readNamespacedPod({ name: 'urgent', namespace: 'default' });
      assert.equal(status?.phase, 'Succeeded');
    } finally {
      await kubectl(['delete', 'pod', 'urgent', '--ignore-not-found']);
      await kubectl(['delete', 'priorityclass', 'urgent']);
      await parts.removeNode('node-seat');
    }
  });

  it('when a node is lost without a word', async () => {
    const { parts } = deployment.cluster;
    const options = { ...deployment.node, labels: { 'dss.internal/doomed': 'yes' } };
    await parts.addNode('node-doomed', options);
    try {
      const running = await begin({ nodeSelector: { 'dss.internal/doomed': 'yes' } });
      await parts.node('node-doomed').stop('SIGKILL');
      await parts.addNode('node-heir', options);
      const says = async () => JSON.stringify(JSON.parse(await deployment.dss('status', '--json')));
      await until(async () => (await says()).includes('NODE_LOST'));
      await parts.removeNode('node-doomed');
      await ends(running);
      assert.notEqual(lossOf(running.worker), null);
    } finally {
      await parts.removeNode('node-doomed');
      await parts.removeNode('node-heir');
    }
  });
});

function eventsOf(home: string): readonly JournalEvent[] {
  const journal = openJournal(home);
  try {
    return [...journal.events()].map(({ event }) => event);
  } finally {
    journal.close();
  }
}
