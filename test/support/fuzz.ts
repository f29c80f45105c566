/**
 * Nonsense for both ports of a control plane: bytes that are no protocol, frames that are no messages, messages that were
 * bent, requests with wrong names, verbs and ids. Everything follows from a seed. Whatever comes, the server goes on.
 */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import type { RandomSource } from '../../orchestrator/core/statistics/random.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { encodeFromWorker, encodePart } from '../../orchestrator/wire/codec.js';
import { ClientServiceService, SubmitRequest } from '../../orchestrator/wire/generated/dss/v1/client.js';
import { StoreServiceService } from '../../orchestrator/wire/generated/dss/v1/store.js';
import { WorkerMessage, WorkerServiceService } from '../../orchestrator/wire/generated/dss/v1/worker.js';
import { HealthService } from '../../orchestrator/wire/generated/grpc/health/v1/health.js';
import { helloOf } from './scripted-worker.js';
import { trialsOf } from './trials.js';

export interface Target {
  readonly host: string;
  readonly port: number;
}

const below = (random: RandomSource, limit: number) => Math.floor(random.unit() * limit);
const oneOf = <T>(random: RandomSource, values: readonly T[]): T => values[below(random, values.length)] as T;
const bytesOf = (random: RandomSource, most: number) =>
  Buffer.from(Array.from({ length: below(random, most) }, () => below(random, 256)));

/** Some bytes changed, cut off or put in. */
function bent(random: RandomSource, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  for (let each = below(random, 6); each > 0 && copy.length > 0; each -= 1)
    copy[below(random, copy.length)] = below(random, 256);
  if (random.unit() < 0.2) return copy.subarray(0, below(random, copy.length + 1));
  return random.unit() < 0.2 ? Buffer.concat([copy, bytesOf(random, 64)]) : copy;
}

/** Says it, and waits until the other end has closed or `quietMs` have passed without a word. */
function say({ host, port }: Target, bytes: Buffer, quietMs = 50): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => socket.end(bytes));
    socket.setTimeout(quietMs, () => socket.destroy());
    socket.on('data', () => {});
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}

const ODD = [
  '..',
  '%2e%2e',
  '%00',
  '\u202e',
  '<script>',
  "'--",
  '%ff',
  '\\',
  'CON',
  '~',
  '%2f',
  '{}',
  '[]',
  '__proto__',
  'constructor',
];

export async function fuzzHttp(target: Target, random: RandomSource, tokens: readonly string[]): Promise<void> {
  const verb = oneOf(random, [
    'GET',
    'GET',
    'POST',
    'HEAD',
    'PUT',
    'DELETE',
    'OPTIONS',
    'CONNECT',
    'BREW',
    bytesOf(random, 8).toString('latin1'),
  ]);
  const part = () =>
    random.unit() < 0.5
      ? oneOf(random, ODD)
      : oneOf(random, [
          'api',
          'v1',
          'sweeps',
          's',
          'trials',
          'board',
          'events',
          'metrics',
          bytesOf(random, 12).toString('hex'),
        ]);
  const path = `/${Array.from({ length: below(random, 7) }, part).join('/')}${random.unit() < 0.3 ? `?${part()}=${part()}` : ''}`;
  const headers = [
    random.unit() < 0.8 ? `Host: ${target.host}:${target.port}` : `Host: ${oneOf(random, ODD)}`,
    ...(random.unit() < 0.4
      ? [`Authorization: Bearer ${oneOf(random, [...tokens, 'x', bytesOf(random, 300).toString('base64')])}`]
      : []),
    ...(random.unit() < 0.2
      ? [`Last-Event-ID: ${oneOf(random, ['-', '1-1', 'e-9e9', bytesOf(random, 40).toString('hex')])}`]
      : []),
    ...(random.unit() < 0.2 ? [`Content-Length: ${oneOf(random, ['-1', '5', '1e9', '99999999999', '0, 5'])}`] : []),
    ...(random.unit() < 0.1 ? ['Transfer-Encoding: chunked'] : []),
    ...(random.unit() < 0.1 ? [`X-${'a'.repeat(below(random, 20_000))}: b`] : []),
    ...(random.unit() < 0.1 ? ['Upgrade: h2c', 'Connection: Upgrade'] : []),
    ...(random.unit() < 0.1 ? [`Origin: ${oneOf(random, ODD)}`] : []),
  ];
  const text = Buffer.from(`${verb} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`, 'latin1');
  await say(target, random.unit() < 0.15 ? bytesOf(random, 4_000) : random.unit() < 0.2 ? bent(random, text) : text);
}

/** All but `Stop`, which does what it says. */
const PATHS = [ClientServiceService, WorkerServiceService, StoreServiceService, HealthService]
  .flatMap((service) => Object.values(service).map(({ path }) => path as string))
  .filter((path) => !path.endsWith('/Stop'));

const [TRIAL] = trialsOf(1, 9_000);
const SOUND: readonly Uint8Array[] = [
  WorkerMessage.encode(encodeFromWorker({ kind: 'hello', hello: helloOf({ workerId: 'fuzz' }) })).finish(),
  WorkerMessage.encode(
    encodeFromWorker({ kind: 'renew', leases: [{ trialId: '0'.repeat(20), attempt: 1, token: 7n }] }),
  ).finish(),
  WorkerMessage.encode(
    encodeFromWorker({
      kind: 'load',
      load: { devices: [{ utilization: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2 }], warm: 1 },
    }),
  ).finish(),
  SubmitRequest.encode(
    encodePart({
      sweep: 'fuzz',
      first: 0,
      trials: TRIAL === undefined ? [] : [TRIAL],
      last: true,
      retryFailed: false,
      rerun: false,
      extend: false,
      options: DEFAULT_SWEEP_OPTIONS,
    }),
  ).finish(),
  Buffer.from([0x0a, 0x01, 0x73]),
];

function framed(random: RandomSource, message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = random.unit() < 0.2 ? below(random, 256) : 0;
  head.writeUInt32BE(random.unit() < 0.15 ? below(random, 2 ** 32) : message.length, 1);
  return Buffer.concat([head, message]);
}

export async function fuzzGrpc(target: Target, random: RandomSource, tokens: readonly string[]): Promise<void> {
  if (random.unit() < 0.2) {
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    const frames = Buffer.concat(
      Array.from({ length: below(random, 6) }, () => {
        const body = bytesOf(random, 200);
        const frame = Buffer.alloc(9);
        frame.writeUIntBE(random.unit() < 0.8 ? body.length : below(random, 2 ** 24), 0, 3);
        frame[3] = below(random, 12);
        frame[4] = below(random, 256);
        frame.writeUInt32BE(below(random, 5), 5);
        return Buffer.concat([frame, body]);
      }),
    );
    return say(target, random.unit() < 0.7 ? Buffer.concat([preface, frames]) : bytesOf(random, 2_000));
  }
  const session = connectHttp2(`http://${target.host}:${target.port}`);
  session.on('error', () => {});
  for (let each = 1 + below(random, 4); each > 0; each -= 1) await call(session, random, tokens);
  session.destroy();
}

function call(session: ClientHttp2Session, random: RandomSource, tokens: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    let stream: ReturnType<ClientHttp2Session['request']>;
    try {
      stream = session.request({
        ':method': random.unit() < 0.95 ? 'POST' : 'GET',
        ':path': random.unit() < 0.9 ? oneOf(random, PATHS) : `/${bytesOf(random, 20).toString('hex')}`,
        'content-type': random.unit() < 0.9 ? 'application/grpc' : 'text/plain',
        te: 'trailers',
        ...(random.unit() < 0.7 ? { authorization: `Bearer ${oneOf(random, tokens)}` } : {}),
        ...(random.unit() < 0.2 ? { 'grpc-encoding': oneOf(random, ['gzip', 'deflate', 'none', 'identity']) } : {}),
        ...(random.unit() < 0.1 ? { 'grpc-timeout': oneOf(random, ['1n', '-1S', 'x', '99999999H']) } : {}),
      });
    } catch {
      return resolve();
    }
    stream.on('error', () => {});
    stream.on('close', () => resolve());
    stream.setTimeout(60, () => stream.close());
    stream.resume();
    for (let each = below(random, 4); each > 0; each -= 1) {
      const sound = oneOf(random, SOUND);
      stream.write(
        framed(random, random.unit() < 0.2 ? bytesOf(random, 500) : random.unit() < 0.7 ? bent(random, sound) : sound),
      );
    }
    if (random.unit() < 0.8) stream.end();
  });
}
