/**
 * One session of Ray's client protocol. It is opening → open → closed, or broken by the first thing that goes wrong;
 * what was asked and not answered then rejects. The head keeps a process for each, so sessions are short.
 */
import { randomUUID } from 'node:crypto';
import type { ClientDuplexStream, Metadata, ServiceError } from '@grpc/grpc-js';
import { RayError } from '../ray-error.js';
import { CHANNEL, type ClientAddress, call, credentialsOf, metadataOf, rayErrorOf } from './client-channel.js';
import {
  type ClusterInfoResponse,
  ClusterInfoType_TypeEnum,
  type DataRequest,
  type DataResponse,
  RayletDataStreamerClient,
  RayletDriverClient,
} from './generated/ray/ray_client.js';

export interface SessionOptions extends ClientAddress {
  readonly namespace: string;
  /** A pickled JobConfig; empty: the default one. */
  readonly jobConfig: Buffer;
  /** Of a request. */
  readonly timeoutMs?: number;
}

type Said = NonNullable<DataRequest['type']>;
type Heard = NonNullable<DataResponse['type']>;
/** What each kind of answer holds. */
type Answers = { readonly [Each in Heard as Each['$case']]: Each['value'] };

const TIMEOUT_MS = 60_000;
/** A session whose stream broke is cleaned up after so long. */
const GRACE_S = 5;
interface Waiting {
  readonly resolve: (response: DataResponse) => void;
  readonly reject: (error: RayError) => void;
  readonly timer: NodeJS.Timeout;
}

export class ClientSession {
  /** Another one for each try: a head does not take one again whose first try has failed. */
  readonly clientId = randomUUID().replaceAll('-', '');
  readonly #options: SessionOptions;
  readonly #metadata: Metadata;
  readonly #driver: RayletDriverClient;
  readonly #streamer: RayletDataStreamerClient;
  readonly #stream: ClientDuplexStream<DataRequest, DataResponse>;
  readonly #waiting = new Map<number, Waiting>();
  #sent = 0;
  #broken: RayError | null = null;

  private constructor(options: SessionOptions) {
    this.#options = options;
    const { address, token, tls } = options;
    const channel = credentialsOf(tls);
    this.#metadata = metadataOf(this.clientId, token);
    this.#driver = new RayletDriverClient(address, channel, CHANNEL);
    this.#streamer = new RayletDataStreamerClient(address, channel, CHANNEL);
    this.#stream = this.#streamer.datapath(this.#metadata);
    this.#stream.on('data', (response: DataResponse) => this.#heard(response));
    this.#stream.on('error', (error: ServiceError) => this.#break(rayErrorOf(error, address)));
    this.#stream.on('end', () =>
      this.#break(new RayError('unreachable', `the Ray head at ${address} ended the session`)),
    );
  }

  /** @throws RayError: unreachable when a try with a new id may go better */
  static async open(options: SessionOptions): Promise<ClientSession> {
    const session = new ClientSession(options);
    try {
      const { ok = false, msg = '' } = await session.ask('init', {
        $case: 'init',
        value: {
          jobConfig: options.jobConfig,
          rayInitKwargs: JSON.stringify({ namespace: options.namespace }),
          reconnectGracePeriod: GRACE_S,
        },
      });
      if (ok) return session;
      throw initFailed(options.address, msg);
    } catch (reason) {
      session.cancel();
      throw reason;
    }
  }

  /** The answer to one request, of the kind that belongs to it. */
  async ask<Kind extends keyof Answers>(kind: Kind, said: Said, withinMs?: number): Promise<Answers[Kind]> {
    const response = await this.#send(said, withinMs);
    const heard = response.type;
    if (heard?.$case === kind) return heard.value as Answers[Kind];
    throw new RayError(
      'broken',
      `the Ray head at ${this.#options.address} answers ${heard?.$case ?? 'nothing'} to ${said.$case}`,
    );
  }

  async sessionName(): Promise<string> {
    const { responseType } = await this.#info(ClusterInfoType_TypeEnum.RUNTIME_CONTEXT);
    return responseType?.$case === 'runtimeContext' ? (responseType.value.sessionName ?? '') : '';
  }

  async resources(of: 'total' | 'free'): Promise<Readonly<Record<string, number>>> {
    const type =
      of === 'total' ? ClusterInfoType_TypeEnum.CLUSTER_RESOURCES : ClusterInfoType_TypeEnum.AVAILABLE_RESOURCES;
    const { responseType } = await this.#info(type);
    const table = responseType?.$case === 'resourceTable' ? responseType.value.table : {};
    return table instanceof Map ? Object.fromEntries(table) : { ...table };
  }

  get isOpen(): boolean {
    return this.#broken === null;
  }

  /** Says goodbye, so that the head cleans up at once. */
  async close(): Promise<void> {
    if (this.#broken === null) {
      await this.ask('connectionCleanup', { $case: 'connectionCleanup', value: {} }).catch(() => {});
    }
    this.cancel();
  }

  cancel(): void {
    this.#break(new RayError('unreachable', `the session with the Ray head at ${this.#options.address} is over`));
    this.#stream.cancel();
    this.#driver.close();
    this.#streamer.close();
  }

  get #deadline(): { readonly deadline: number } {
    return { deadline: Date.now() + (this.#options.timeoutMs ?? TIMEOUT_MS) };
  }

  #info(type: ClusterInfoType_TypeEnum) {
    return call<ClusterInfoResponse>(this.#options.address, (done) =>
      this.#driver.clusterInfo({ type }, this.#metadata, this.#deadline, done),
    );
  }

  #send(said: Said, withinMs?: number): Promise<DataResponse> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    this.#sent += 1;
    const reqId = this.#sent;
    const { address } = this.#options;
    const timeoutMs = withinMs ?? this.#options.timeoutMs ?? TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#break(
          new RayError(
            'unreachable',
            `the Ray head at ${address} gave no answer to ${said.$case} in ${timeoutMs / 1000} s`,
          ),
        );
      }, timeoutMs);
      this.#waiting.set(reqId, { resolve, reject, timer });
      this.#stream.write({ reqId, type: said });
    });
  }

  #heard(response: DataResponse): void {
    const reqId = response.reqId ?? 0;
    const waiting = this.#waiting.get(reqId);
    if (waiting === undefined) return;
    this.#waiting.delete(reqId);
    clearTimeout(waiting.timer);
    waiting.resolve(response);
    // Otherwise the head keeps the answer for a stream that comes back.
    if (response.type?.$case !== 'connectionCleanup') {
      this.#stream.write({ reqId: 0, type: { $case: 'acknowledge', value: { reqId } } });
    }
  }

  #break(error: RayError): void {
    this.#broken ??= error;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#broken);
    }
    this.#waiting.clear();
  }
}

/** A head forks a server for each session, which fails now and then; what it cannot make ready fails always. */
function initFailed(address: string, said: string): RayError {
  const mayPass = /Starting Ray client server failed|ZombieProcess|NoSuchProcess|SIGSEGV/.test(said);
  const text = said.trim().split('\n').at(-1)?.slice(0, 500) ?? '';
  return new RayError(mayPass ? 'unreachable' : 'broken', `the Ray head at ${address} opens no session: ${text}`, {
    hint: mayPass ? 'GRPC_ENABLE_FORK_SUPPORT=0 in the environment of `ray start` helps' : '',
  });
}
