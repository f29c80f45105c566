/** A worker without training over a real gRPC stream; lean, since it runs on the same cores as what is measured. */
import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { CHANNEL_OPTIONS } from '../../orchestrator/control/channel-options.js';
import { bearer } from '../../orchestrator/control/tokens.js';
import { ENGINE_VERSION } from '../../orchestrator/core/domain.js';
import type { Report } from '../../orchestrator/core/worker-message.js';
import { encodeFromWorker } from '../../orchestrator/wire/codec.js';
import {
  type Assign,
  type ControlMessage,
  type WorkerMessage,
  WorkerServiceClient,
} from '../../orchestrator/wire/generated/dss/v1/worker.js';
import { MAX_STEPS, RESULT } from './bench-trials.js';
import type { SwarmOptions } from './swarm-options.js';

type Lease = NonNullable<Assign['lease']>;

/** What all workers of a swarm have done. */
export interface Tally {
  lent: number;
  finished: number;
  points: number;
  gapsMs: number[];
}

const NONE = { lease: { trialId: '0'.repeat(20), attempt: 1, token: 1n } };
const METRICS = messageOf({
  kind: 'metrics',
  ...NONE,
  training: [{ step: MAX_STEPS, loss: 0.5 }],
  evaluations: [
    {
      step: MAX_STEPS,
      split: 'valid',
      loss: 0.75,
      accuracy: 0.625,
      rows: 64,
      correct: new Uint8Array(8).fill(0b1010_1010),
      choiceAccuracy: null,
    },
  ],
});
const FINISHED = messageOf({ kind: 'finished', ...NONE, result: RESULT });

export class SimulatedWorker {
  readonly #options: SwarmOptions;
  readonly #tally: Tally;
  readonly #client: WorkerServiceClient;
  readonly #stream: ClientDuplexStream<WorkerMessage, ControlMessage>;
  /** What is counted once it is acknowledged. */
  readonly #unacknowledged = new Map<bigint, () => void>();
  readonly #held = new Map<bigint, Lease>();
  readonly #ahead: Lease[] = [];
  /** When each slot that is free fell free; `null`: never had a trial. */
  readonly #free: (number | null)[];
  #sequence = 0n;
  #renewal: NodeJS.Timeout | null = null;

  constructor(number: number, options: SwarmOptions, tally: Tally) {
    this.#options = options;
    this.#tally = tally;
    this.#free = Array.from({ length: options.slots }, () => null);
    // A connection of its own, as a worker in a process of its own has.
    const channel = { ...CHANNEL_OPTIONS, 'grpc.use_local_subchannel_pool': 1 };
    this.#client = new WorkerServiceClient(options.address, credentials.createInsecure(), channel);
    this.#stream = this.#client.connect(bearer(options.joinToken));
    this.#stream.on('data', (message: ControlMessage) => this.#hear(message));
    this.#stream.on('error', () => this.close()); // the control plane was ended
    this.#stream.write(
      encodeFromWorker({
        kind: 'hello',
        hello: {
          workerId: `simulated-${number}`,
          instanceId: `life-${process.pid}`,
          engineVersion: ENGINE_VERSION,
          host: `host-${number}`,
          pid: process.pid,
          devices: [{ kind: 'cpu', name: 'a simulated one', memoryBytes: 2 ** 34, threads: 1 }],
          versions: { python: '3.12.3', torch: '2.15.0', transformers: '5.24.0' },
          running: [],
          slots: options.slots,
          prefetch: options.prefetch,
        },
      }),
    );
  }

  close(): void {
    clearInterval(this.#renewal ?? undefined);
    this.#stream.end();
    this.#client.close();
  }

  #hear({ message }: ControlMessage): void {
    switch (message?.$case) {
      case 'welcome':
        this.#renewal = setInterval(() => this.#renew(), message.value.renewEveryMs ?? 10_000);
        return;
      case 'assign':
        this.#tally.lent += 1;
        this.#take(message.value.lease as Lease);
        return;
      case 'acknowledged':
        for (const sequence of message.value.sequences) {
          this.#unacknowledged.get(sequence)?.();
          this.#unacknowledged.delete(sequence);
        }
        return;
      case 'cancel':
      case 'stale':
        this.#giveUp(message.value.lease as Lease);
    }
  }

  #take(lease: Lease): void {
    this.#held.set(lease.token ?? 0n, lease);
    if (this.#free.length > 0) this.#begin(lease, this.#free.shift() ?? null);
    else this.#ahead.push(lease);
  }

  #giveUp({ token }: Lease): void {
    this.#held.delete(token ?? 0n);
    const place = this.#ahead.findIndex((lease) => lease.token === token);
    if (place >= 0) this.#ahead.splice(place, 1);
  }

  #begin(lease: Lease, freeSinceMs: number | null): void {
    if (freeSinceMs !== null) this.#tally.gapsMs.push(performance.now() - freeSinceMs);
    const { behaviour } = this.#options;
    switch (behaviour.kind) {
      case 'finish':
        this.#measure(lease);
        this.#finish(lease);
        return;
      case 'work':
        setTimeout(() => this.#measure(lease), behaviour.trialMs - behaviour.lastMs);
        setTimeout(() => this.#finish(lease), behaviour.trialMs);
        return;
      case 'hold':
        return;
      case 'measure':
        for (let report = 0; report < behaviour.reportsAhead; report += 1) {
          this.#measureOn(lease, report * behaviour.pointsPerReport, behaviour.pointsPerReport, behaviour.reportsAhead);
        }
    }
  }

  #measure(lease: Lease): void {
    this.#report(withLease(METRICS, lease));
  }

  #finish(lease: Lease): void {
    this.#report(withLease(FINISHED, lease), () => {
      this.#held.delete(lease.token ?? 0n);
      this.#tally.finished += 1;
    });
    const now = performance.now();
    const next = this.#ahead.shift();
    if (next === undefined) this.#free.push(now);
    else this.#begin(next, now);
  }

  #measureOn(lease: Lease, from: number, points: number, ahead: number): void {
    const training = Array.from({ length: points }, (_, offset) => ({ step: from + offset, loss: 2 / (1 + from) }));
    this.#report({ message: { $case: 'metrics', value: { lease, training, evaluations: [] } } }, () => {
      this.#tally.points += points;
      this.#measureOn(lease, from + ahead * points, points, ahead);
    });
  }

  #report(message: WorkerMessage, whenDurable?: () => void): void {
    this.#sequence += 1n;
    if (whenDurable !== undefined) this.#unacknowledged.set(this.#sequence, whenDurable);
    this.#stream.write({ ...message, sequence: this.#sequence });
  }

  #renew(): void {
    if (this.#held.size === 0) return;
    this.#stream.write({ message: { $case: 'renew', value: { leases: [...this.#held.values()] } } });
  }
}

function messageOf(report: Report): WorkerMessage {
  return encodeFromWorker({ kind: 'report', sequence: 1n, report });
}

/** The same message about another lease: built once, since only that differs. */
function withLease({ message }: WorkerMessage, lease: Lease): WorkerMessage {
  if (message?.$case === 'metrics') return { message: { $case: 'metrics', value: { ...message.value, lease } } };
  if (message?.$case === 'finished') return { message: { $case: 'finished', value: { ...message.value, lease } } };
  throw new Error(`a ${message?.$case} has no lease here`);
}
