/** The node as Kubernetes sees it: an object that says what it has, and a lease that says it lives. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type NodeApi } from './node-api.js';
import { HOST_ADDRESS, type NodeConfig } from './node-config.js';

const BEAT_MS = 2_000;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

export async function register(api: NodeApi, config: NodeConfig): Promise<void> {
  const { name, labels } = config;
  const fixed = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' };
  await unlessThere(() =>
    api.call('POST', '/api/v1/nodes', { metadata: { name, labels: { ...fixed, ...labels } }, spec: {} }),
  );
  await sayReady(api, config);
}

/** Ready is said again at every beat: a node that was held for lost stays so until it is. */
export async function beat(api: NodeApi, config: NodeConfig, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await renewLease(api, config.name);
      await sayReady(api, config);
    } catch (error) {
      console.error('beat', error instanceof Error ? error.message : error);
    }
    await sleep(BEAT_MS, undefined, { signal }).catch(() => {});
  }
}

async function renewLease(api: NodeApi, name: string): Promise<void> {
  const spec = {
    holderIdentity: name,
    leaseDurationSeconds: 40,
    renewTime: `${new Date().toISOString().slice(0, -1)}000Z`,
  };
  try {
    await api.call('PATCH', `${LEASES}/${name}`, { spec });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    await unlessThere(() => api.call('POST', LEASES, { metadata: { name }, spec }));
  }
}

async function sayReady(api: NodeApi, { name, capacity, kubeletPort, version }: NodeConfig): Promise<void> {
  const lastHeartbeatTime = new Date().toISOString();
  const condition = (type: string, status: 'True' | 'False') => ({
    type,
    status,
    lastHeartbeatTime,
    reason: 'ProcessNode',
    message: 'containers are processes of this machine',
  });
  const status = {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: 'InternalIP', address: HOST_ADDRESS },
      { type: 'Hostname', address: name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    nodeInfo: {
      machineID: name,
      systemUUID: name,
      bootID: name,
      kernelVersion: '',
      osImage: 'processes',
      containerRuntimeVersion: 'process://1',
      kubeletVersion: version,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
    conditions: [condition('Ready', 'True'), condition('MemoryPressure', 'False'), condition('DiskPressure', 'False')],
  };
  await api.call('PATCH', `/api/v1/nodes/${name}/status`, { status });
}

async function unlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
  }
}
