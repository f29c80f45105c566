/** A worker over a real gRPC stream that does what the test says. */
import type { ChannelOptions, ClientDuplexStream } from '@grpc/grpc-js';
import type { ClientTls } from '../../orchestrator/auth/tls-files.js';
import { channelTo } from '../../orchestrator/control/channel.js';
import { bearer } from '../../orchestrator/control/tokens.js';
import { ENGINE_VERSION, type LeaseRef, type Trial } from '../../orchestrator/core/domain.js';
import type { FromWorker, Hello, Report, ToWorker } from '../../orchestrator/core/worker-message.js';
import { decodeToWorker, encodeFromWorker } from '../../orchestrator/wire/codec.js';
import {
  type ControlMessage,
  type WorkerMessage,
  WorkerServiceClient,
} from '../../orchestrator/wire/generated/dss/v1/worker.js';
import { resultOf } from './trials.js';

export interface WorkerOptions {
  readonly address: string;
  readonly joinToken: string;
  /** Empty: none is said. */
  readonly hello?: Partial<Hello>;
  readonly channel?: ChannelOptions;
  readonly tls?: ClientTls;
}

export class ScriptedWorker {
  readonly #client: WorkerServiceClient;
  readonly #stream: ClientDuplexStream<WorkerMessage, ControlMessage>;
  readonly #received: ToWorker[] = [];
  readonly #waiting = new Set<() => void>();
  #sequence = 0n;
  /** How the stream ended, in words. */
  readonly ended: Promise<string>;

  constructor({ address, joinToken, hello, channel, tls }: WorkerOptions) {
    const { credentials, options } = channelTo(address, tls ?? null);
    this.#client = new WorkerServiceClient(address, credentials, { ...options, ...channel });
    this.#stream = this.#client.connect(bearer(joinToken));
    this.#stream.on('data', (message: ControlMessage) => {
      this.#received.push(decodeToWorker(message));
      for (const look of this.#waiting) look();
    });
    this.ended = new Promise((resolve) => {
      this.#stream.on('error', (error) => resolve(error.message));
      this.#stream.on('end', () => resolve('ended'));
    });
    if (hello === undefined || Object.keys(hello).length > 0) this.say({ kind: 'hello', hello: helloOf(hello) });
  }

  say(said: FromWorker): void {
    this.#stream.write(encodeFromWorker(said));
  }

  /** Something that no codec would write. */
  sayRaw(message: WorkerMessage): void {
    this.#stream.write(message);
  }

  /** Gives the number of the report. */
  report(report: Report, sequence = this.#sequence + 1n): bigint {
    this.#sequence = sequence;
    this.say({ kind: 'report', sequence, report });
    return sequence;
  }

  /** The next message of a kind that was not asked for before; others stay. */
  next<K extends ToWorker['kind']>(kind: K): Promise<ToWorker & { readonly kind: K }> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const place = this.#received.findIndex((each) => each.kind === kind);
        if (place < 0) return;
        this.#waiting.delete(look);
        resolve(this.#received.splice(place, 1)[0] as ToWorker & { readonly kind: K });
      };
      this.#waiting.add(look);
      look();
      void this.ended.then((how) => reject(new Error(`the stream ended while waiting for ${kind}: ${how}`)));
    });
  }

  /** Messages that nobody asked for yet. */
  get unread(): readonly ToWorker[] {
    return this.#received;
  }

  async acknowledged(sequence: bigint): Promise<void> {
    for (;;) if ((await this.next('acknowledged')).sequences.includes(sequence)) return;
  }

  /** Succeeds at whatever comes, until the stream ends. */
  async runAll(accuracyOf: (trial: Trial) => number = () => 0.5): Promise<readonly LeaseRef[]> {
    const ran: LeaseRef[] = [];
    for (;;) {
      const assign = await this.next('assign').catch(() => null);
      if (assign === null) return ran;
      ran.push(assign.lease);
      this.report({ kind: 'finished', lease: assign.lease, result: resultOf(accuracyOf(assign.trial)) });
    }
  }

  /** Without a word, as when a cable is pulled. */
  cut(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  close(): void {
    this.#stream.end();
    this.#client.close();
  }
}

export function helloOf(hello: Partial<Hello> = {}): Hello {
  return {
    workerId: 'scripted-1',
    instanceId: 'one-life',
    engineVersion: ENGINE_VERSION,
    host: 'here',
    pid: 1,
    devices: [{ kind: 'cpu', name: 'a core', memoryBytes: 2 ** 34, threads: 1 }],
    versions: { python: '3.11' },
    running: [],
    slots: 1,
    prefetch: 0,
    ...hello,
  };
}
