/** Asks a container whether it is ready, as a kubelet does: by gRPC health, or by a connection to its port. */
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOST_ADDRESS } from './node-config.js';
import type { ContainerSpec, Probe } from './objects.js';

const DEFAULT_PERIOD_SECONDS = 10;
/** HealthCheckRequest without a service: a gRPC frame of no bytes. */
const REQUEST = Buffer.alloc(5);
/** HealthCheckResponse {status: SERVING}: field 1, varint 1. */
const SERVING = Buffer.from([8, 1]);

/** Until the signal: calls at each change. Containers share this machine's network, and so do probes. */
export async function probe(spec: ContainerSpec, onReady: (isReady: boolean) => void, signal: AbortSignal) {
  const { startupProbe, readinessProbe } = spec;
  if (startupProbe !== undefined) {
    while (!signal.aborted && !(await succeeds(startupProbe, spec))) await pause(startupProbe, signal);
  }
  if (readinessProbe === undefined) return onReady(!signal.aborted);
  let was = false;
  while (!signal.aborted) {
    const is = await succeeds(readinessProbe, spec);
    if (is !== was && !signal.aborted) onReady(is);
    was = is;
    await pause(readinessProbe, signal);
  }
}

async function succeeds({ grpc, tcpSocket }: Probe, { ports = [] }: ContainerSpec): Promise<boolean> {
  if (grpc !== undefined) return await isServing(grpc.port).catch(() => false);
  const port = tcpSocket?.port;
  const number = typeof port === 'string' ? ports.find(({ name }) => name === port)?.containerPort : port;
  return number !== undefined && (await isOpen(number).catch(() => false));
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, HOST_ADDRESS);
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}

async function isServing(port: number): Promise<boolean> {
  const session = connectHttp2(`http://${HOST_ADDRESS}:${port}`);
  try {
    const failed = once(session, 'error').then(([error]) => Promise.reject(error));
    const asked = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    asked.end(REQUEST);
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    await Promise.race([once(asked, 'end'), failed]);
    return Buffer.concat(chunks).subarray(REQUEST.length).equals(SERVING);
  } finally {
    session.destroy();
  }
}

function pause({ periodSeconds = DEFAULT_PERIOD_SECONDS }: Probe, signal: AbortSignal): Promise<void> {
  return sleep(periodSeconds * 1000, undefined, { signal }).catch(() => {});
}
