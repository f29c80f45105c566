/** Messages of worker.proto ↔ what workers and the control plane say. */
import type { Device } from '../core/domain.js';
import type { StoredFile } from '../core/stored-file.js';
import type { FromWorker, GangPlace, Hello, LogLine, Report, ToWorker } from '../core/worker-message.js';
import {
  decodeEvaluation,
  decodeFailure,
  decodeLease,
  decodePoint,
  decodeResult,
  decodeTrial,
  encodeEvaluation,
  encodeFailure,
  encodeLease,
  encodePoint,
  encodeResult,
  encodeTrial,
} from './common-codec.js';
import { INSTANCE_ID, matching, oneOf, required, safeInteger, WireError, WORKER_ID, wholeBetween } from './fields.js';
import type { StoredFile as StoredFileMessage } from './generated/dss/v1/common.js';
import type * as wire from './generated/dss/v1/worker.js';
import { decodeLoad, encodeLoads } from './load-codec.js';
import {
  decodeStoredCheckpoint,
  decodeStoredFiles,
  decodeStoredPath,
  encodeStoredCheckpoint,
  encodeStoredFile,
} from './store-codec.js';

const DEVICES: Record<Device['kind'], true> = { cpu: true, cuda: true };
const STREAMS: Record<LogLine['stream'], true> = { stdout: true, stderr: true, dss: true };
/** More than this of anything in one Hello is no worker of ours. */
const MAX_SLOTS = 256;
const MAX_GANG = 4_096;

export function encodeFromWorker(said: FromWorker): wire.WorkerMessage {
  switch (said.kind) {
    case 'hello':
      return { message: { $case: 'hello', value: encodeHello(said.hello) } };
    case 'renew':
      return { message: { $case: 'renew', value: { leases: said.leases.map(encodeLease) } } };
    case 'progress':
      return { message: { $case: 'progress', value: { lease: encodeLease(said.lease), ...said.progress } } };
    case 'load':
      return { message: { $case: 'load', value: { devices: encodeLoads(said.load.devices), warm: said.load.warm } } };
    case 'report':
      return { sequence: said.sequence, message: encodeReport(said.report) };
  }
}

function encodeReport(report: Report): wire.WorkerMessage['message'] {
  if (report.kind === 'drained') return { $case: 'drained', value: {} };
  const lease = encodeLease(report.lease);
  switch (report.kind) {
    case 'metrics': {
      const training = report.training.map(encodePoint);
      return { $case: 'metrics', value: { lease, training, evaluations: report.evaluations.map(encodeEvaluation) } };
    }
    case 'log': {
      const lines = report.lines.map(({ unixMs, stream, text }) => ({ unixMs: BigInt(unixMs), stream, text }));
      return { $case: 'log', value: { lease, lines, dropped: report.dropped } };
    }
    case 'checkpoint':
      return {
        $case: 'checkpoint',
        value: { lease, step: report.step, path: report.path, files: encodeFiles(report.files) },
      };
    case 'finished':
      return {
        $case: 'finished',
        value: { lease, result: encodeResult(report.result), files: encodeFiles(report.files) },
      };
    case 'failed':
      return { $case: 'failed', value: { lease, failure: encodeFailure(report.failure) } };
  }
}

export function decodeFromWorker({ sequence, message }: wire.WorkerMessage): FromWorker {
  if (message === undefined) throw new WireError('a message says nothing that is known here');
  switch (message.$case) {
    case 'hello':
      return { kind: 'hello', hello: decodeHello(message.value) };
    case 'renew':
      return { kind: 'renew', leases: message.value.leases.map(decodeLease) };
    case 'progress': {
      const { lease, step, loss, examplesPerSecond, phase } = message.value;
      const progress = {
        step: step ?? 0,
        loss: loss ?? 0,
        examplesPerSecond: examplesPerSecond ?? 0,
        phase: (phase ?? '').slice(0, 64),
      };
      return { kind: 'progress', lease: decodeLease(lease), progress };
    }
    case 'load':
      return { kind: 'load', load: decodeLoad(message.value.devices, message.value.warm) };
    default: {
      const number = sequence ?? 0n;
      if (number === 0n) throw new WireError(`a report of kind ${message.$case} has no number`);
      return { kind: 'report', sequence: number, report: decodeReport(message) };
    }
  }
}

type WireReport = Extract<
  wire.WorkerMessage['message'],
  { $case: 'metrics' | 'log' | 'checkpoint' | 'finished' | 'failed' | 'drained' }
>;

function decodeReport(message: WireReport): Report {
  if (message.$case === 'drained') return { kind: 'drained' };
  const lease = decodeLease(message.value.lease);
  switch (message.$case) {
    case 'metrics': {
      const { training, evaluations } = message.value;
      return {
        kind: 'metrics',
        lease,
        training: training.map(decodePoint),
        evaluations: evaluations.map(decodeEvaluation),
      };
    }
    case 'log': {
      const lines = message.value.lines.map(
        ({ unixMs, stream, text }): LogLine => ({
          unixMs: safeInteger(unixMs, 'unix_ms'),
          stream: oneOf(stream, STREAMS, 'stream'),
          text: text ?? '',
        }),
      );
      return { kind: 'log', lease, lines, dropped: message.value.dropped ?? 0 };
    }
    case 'checkpoint':
      return {
        kind: 'checkpoint',
        lease,
        step: message.value.step ?? 0,
        path: message.value.files.length === 0 ? (message.value.path ?? '') : decodeStoredPath(message.value.path),
        ...decodeFiles(message.value.files),
      };
    case 'finished':
      return {
        kind: 'finished',
        lease,
        result: decodeResult(message.value.result),
        ...decodeFiles(message.value.files),
      };
    case 'failed':
      return { kind: 'failed', lease, failure: decodeFailure(message.value.failure) };
  }
}

function encodeFiles(files: readonly StoredFile[] = []): StoredFileMessage[] {
  return files.map(encodeStoredFile);
}

function decodeFiles(messages: readonly StoredFileMessage[]): { readonly files?: readonly StoredFile[] } {
  return messages.length === 0 ? {} : { files: decodeStoredFiles(messages) };
}

function encodeHello(hello: Hello): wire.Hello {
  const devices = hello.devices.map((device) => ({ ...device, memoryBytes: BigInt(device.memoryBytes) }));
  return { ...hello, devices, versions: { ...hello.versions }, running: hello.running.map(encodeLease) };
}

function decodeHello(hello: wire.Hello): Hello {
  const slots = hello.slots ?? 0;
  if (slots < 1 || slots > MAX_SLOTS) throw new WireError(`slots is ${slots}, expected 1 to ${MAX_SLOTS}`);
  const prefetch = hello.prefetch ?? 0;
  if (prefetch > MAX_SLOTS) throw new WireError(`prefetch is ${prefetch}, expected at most ${MAX_SLOTS}`);
  return {
    workerId: matching(hello.workerId, WORKER_ID, 'worker_id'),
    instanceId: matching(hello.instanceId, INSTANCE_ID, 'instance_id'),
    engineVersion: hello.engineVersion ?? 0,
    host: hello.host ?? '',
    pid: hello.pid ?? 0,
    devices: hello.devices.map(({ kind, name, memoryBytes, threads }) => ({
      kind: oneOf(kind, DEVICES, 'device kind'),
      name: name ?? '',
      memoryBytes: safeInteger(memoryBytes, 'memory_bytes'),
      threads: threads ?? 0,
    })),
    versions: { ...hello.versions },
    running: hello.running.map(decodeLease),
    slots,
    prefetch,
    ...(hello.address ? { address: hello.address } : {}),
    ...(hello.rendezvousPort
      ? { rendezvousPort: wholeBetween(hello.rendezvousPort, 1, 65_535, 'rendezvous_port') }
      : {}),
    ...(hello.trials === undefined ? {} : { trials: hello.trials }),
  };
}

export function encodeToWorker(said: ToWorker): wire.ControlMessage {
  switch (said.kind) {
    case 'welcome':
      return { message: { $case: 'welcome', value: encodeWelcome(said) } };
    case 'assign':
      return { message: { $case: 'assign', value: encodeAssign(said) } };
    case 'renewed':
      return { message: { $case: 'renewed', value: { leases: said.leases.map(encodeLease) } } };
    case 'acknowledged':
      return { message: { $case: 'acknowledged', value: { sequences: [...said.sequences] } } };
    case 'stale':
      return { message: { $case: 'stale', value: { lease: encodeLease(said.lease) } } };
    case 'cancel':
      return { message: { $case: 'cancel', value: { lease: encodeLease(said.lease), reason: said.reason } } };
    case 'drain':
      return { message: { $case: 'drain', value: { graceMs: said.graceMs } } };
    case 'refused': {
      const { code, message, hint } = said;
      return { message: { $case: 'refused', value: { code, message, hint } } };
    }
  }
}

export function decodeToWorker({ message }: wire.ControlMessage): ToWorker {
  switch (message?.$case) {
    case undefined:
      throw new WireError('a message says nothing that is known here');
    case 'welcome':
      return decodeWelcome(message.value);
    case 'assign':
      return decodeAssign(message.value);
    case 'renewed':
      return { kind: 'renewed', leases: message.value.leases.map(decodeLease) };
    case 'acknowledged':
      return { kind: 'acknowledged', sequences: [...message.value.sequences] };
    case 'stale':
      return { kind: 'stale', lease: decodeLease(message.value.lease) };
    case 'cancel':
      return { kind: 'cancel', lease: decodeLease(message.value.lease), reason: message.value.reason ?? '' };
    case 'drain':
      return { kind: 'drain', graceMs: message.value.graceMs ?? 0 };
    case 'refused': {
      const { code, message: text, hint } = message.value;
      return { kind: 'refused', code: code ?? '', message: text ?? '', hint: hint ?? '' };
    }
  }
}

type Welcome = ToWorker & { readonly kind: 'welcome' };
type Assign = ToWorker & { readonly kind: 'assign' };

function encodeWelcome({ leaseMs, renewEveryMs, store }: Welcome): wire.Welcome {
  return { leaseMs, renewEveryMs, home: store?.home, homeId: store?.homeId, storePort: store?.port };
}

function decodeWelcome({ leaseMs, renewEveryMs, home, homeId, storePort }: wire.Welcome): Welcome {
  return {
    kind: 'welcome',
    leaseMs: required(leaseMs, 'lease_ms'),
    renewEveryMs: required(renewEveryMs, 'renew_every_ms'),
    ...(homeId ? { store: { home: home ?? '', homeId, port: wholeBetween(storePort, 0, 65_535, 'store_port') } } : {}),
  };
}

function encodeAssign({ lease, trial, checkpoint, devices = [], gang }: Assign): wire.Assign {
  return {
    lease: encodeLease(lease),
    ...encodeTrial(trial),
    checkpoint: checkpoint === undefined ? undefined : encodeStoredCheckpoint(checkpoint),
    devices: [...devices],
    gang,
  };
}

function decodeAssign(message: wire.Assign): Assign {
  const lease = decodeLease(message.lease);
  const { checkpoint, devices, gang } = message;
  return {
    kind: 'assign',
    lease,
    trial: decodeTrial(lease.trialId, message),
    ...(checkpoint === undefined ? {} : { checkpoint: decodeStoredCheckpoint(checkpoint) }),
    ...(devices.length === 0 ? {} : { devices: [...devices] }),
    ...(gang === undefined ? {} : { gang: decodeGang(gang) }),
  };
}

function decodeGang({ rank, size, address, port }: wire.Gang): GangPlace {
  return {
    rank: rank ?? 0,
    size: wholeBetween(size, 2, MAX_GANG, 'gang size'),
    address: address ?? '',
    port: wholeBetween(port, 1, 65_535, 'gang port'),
  };
}
