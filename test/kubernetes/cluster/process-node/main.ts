/** A node of a test cluster, as a process of its own: argv is the path of its settings. Runs what is scheduled to it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveKubelet } from './kubelet-server.js';
import { NodeApi } from './node-api.js';
import { HOST_ADDRESS, type NodeConfig } from './node-config.js';
import type { Pod } from './objects.js';
import { PodRunner } from './pod-runner.js';
import { beat, register } from './registration.js';

const AGAIN_MS = 200;

const config = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as NodeConfig;
const api = new NodeApi(config);
const runners = new Map<string, PodRunner>();
const stop = new AbortController();
const mine = `/api/v1/pods?fieldSelector=spec.nodeName%3D${config.name}`;
let addresses = 0;

/** All of 127.0.0.0/8 is this machine, so each pod has an address of its own that works. */
function nextAddress(): string {
  addresses += 1;
  return `127.${64 + (config.kubeletPort % 128)}.${(addresses >> 8) & 255}.${addresses & 255}`;
}

function see(pod: Pod): void {
  const { uid } = pod.metadata;
  let runner = runners.get(uid);
  if (runner === undefined) {
    runner = new PodRunner(api, config, pod, nextAddress());
    runners.set(uid, runner);
    void runner.run();
  }
  void runner.update(pod);
}

function lose(uid: string): void {
  const runner = runners.get(uid);
  runners.delete(uid);
  void runner?.stop(0).then(() => runner.removeFiles());
}

/** A list is the truth, and a watch goes on from it for as long as it lasts. */
async function follow(): Promise<void> {
  const { items, metadata } = await api.call<{
    readonly items: readonly Pod[];
    readonly metadata: { readonly resourceVersion: string };
  }>('GET', mine);
  const there = new Set(items.map(({ metadata: { uid } }) => uid));
  for (const uid of runners.keys()) if (!there.has(uid)) lose(uid);
  for (const pod of items) see(pod);
  await api.watch(
    `${mine}&watch=true&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=60`,
    (type, object) => {
      const pod = object as Pod;
      if (type === 'ADDED' || type === 'MODIFIED') see(pod);
      else if (type === 'DELETED') lose(pod.metadata.uid);
    },
  );
}

async function forEver(): Promise<void> {
  while (!stop.signal.aborted) {
    await follow().catch((error: unknown) => console.error('follow', error));
    await sleep(AGAIN_MS);
  }
}

const server = serveKubelet(config, (namespace, pod, container) =>
  [...runners.values()]
    .find(({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === pod)
    ?.container(container),
);
process.on('SIGTERM', () => {
  stop.abort();
  server.close();
  void Promise.all([...runners.values()].map((runner) => runner.stop(0))).then(() => process.exit(0));
});
const names = Object.entries({ localhost: HOST_ADDRESS, [config.name]: HOST_ADDRESS, ...config.hosts });
writeFileSync(join(config.folder, 'hosts'), names.map(([name, address]) => `${address} ${name}\n`).join(''));
await register(api, config);
void beat(api, config, stop.signal);
await forEver();
