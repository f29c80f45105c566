/**
 * A cluster by Ray's client protocol: a worker is a detached actor of dss_worker.ray_actor, whose name is the worker's.
 * Whether an actor waits for room is not said; one that answers runs. One that has ended is not listed.
 */
import { z } from 'zod';
import type {
  ClusterFacts,
  ClusterRoom,
  ProbeOrder,
  RayCluster,
  RayWorker,
  WorkerCode,
  WorkerOrder,
} from '../cluster.js';
import { RayError } from '../ray-error.js';
import { type Pause, withRetries } from '../retries.js';
import { namesOf } from '../wanted-workers.js';
import type { ClientAddress } from './client-channel.js';
import { ensurePackage } from './client-package.js';
import { ClientSession } from './client-session.js';
import { type ClientTask, ClientTask_RemoteExecType } from './generated/ray/ray_client.js';
import { type Plain, pickleArguments, pickleClass, pickleJobConfig, picklePlain } from './pickle.js';
import { errorOfPickle, textOfPickle } from './pickle-scan.js';

export interface ClientOptions extends ClientAddress {
  readonly namespace: string;
  readonly pause: Pause;
  /** What orders will come with, so that one session serves for all that is asked. */
  readonly code?: () => WorkerCode | null;
  /** A session that nobody uses for so long is closed. */
  readonly idleMs?: number;
  /** For an actor that runs to say so. */
  readonly answerMs?: number;
}

const ACTORS = 'dss_worker.ray_actor';
/** Each in a session of its own where the one before has broken, or was not to be had. */
const TRIES = 5;
/** Opening one takes the head seconds, and it keeps a process for it: while workers are on their way one stays open. */
const IDLE_MS = 15_000;
const ANSWER_MS = 1_500;
/** Of a method: a first look starts several Pythons, on a machine that may be busy. */
const CALL_MS = 300_000;
const NEXT_TO_NOTHING = 0.001;
const EMPTY = Buffer.alloc(0);

interface OpenSession {
  readonly session: ClientSession;
  /** Of the code that can be imported in it; may be empty. */
  readonly uri: string;
  users: number;
}

const NamedActors = z.array(z.object({ name: z.string(), namespace: z.string() }));

export class ClientCluster implements RayCluster {
  readonly adapter = 'client';
  readonly address: string;
  readonly #options: ClientOptions;
  /** Known to have answered that they run. */
  readonly #running = new Set<string>();
  #open: OpenSession | null = null;
  #idle: NodeJS.Timeout | null = null;
  /** Sessions are opened one after the other. */
  #opening: Promise<unknown> = Promise.resolve();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.address = `ray://${options.address}`;
  }

  facts(): Promise<ClusterFacts> {
    return this.#with(null, async (session) => {
      const { rayVersion = '' } = await session.ask('connectionInfo', { $case: 'connectionInfo', value: {} });
      return { rayVersion, session: await session.sessionName() };
    });
  }

  room(): Promise<ClusterRoom> {
    return this.#with(null, async (session) => {
      const total = await session.resources('total');
      // What is used up is missing there.
      const none = Object.fromEntries(Object.keys(total).map((name) => [name, 0]));
      return { total, free: { ...none, ...(await session.resources('free')) } };
    });
  }

  probe({ server, ca, trainingPython, code }: ProbeOrder): Promise<string> {
    return this.#with(code, async (session) => {
      // It lives as long as the session.
      const actor = await this.#create(session, 'Probe', [], { num_cpus: NEXT_TO_NOTHING });
      const answer = await this.#call(session, actor, 'look', [server, ca, trainingPython ?? '']);
      return `dss-probe:${answer}`;
    });
  }

  start({ workerId, members, args, env, python, ask, code }: WorkerOrder): Promise<void> {
    const lives = {
      name: workerId,
      namespace: this.#options.namespace,
      lifetime: 'detached',
      get_if_exists: true,
      max_restarts: 0,
    };
    return this.#with(code, async (session) => {
      if (members.length > 1) {
        const bundle = Object.fromEntries(namesOf(ask));
        const given = [members, bundle, python ?? '', args, env];
        await this.#create(session, 'Gang', given, { ...lives, num_cpus: NEXT_TO_NOTHING });
        return;
      }
      await this.#create(session, 'Worker', [python ?? '', ['--worker-id', workerId, ...args], env], {
        ...lives,
        num_cpus: ask.cpus,
        num_gpus: ask.gpus,
        ...(ask.memoryBytes > 0 ? { memory: ask.memoryBytes } : {}),
        resources: ask.custom,
      });
    });
  }

  list(prefix: string): Promise<readonly RayWorker[]> {
    return this.#with(null, async (session) => {
      const request = { $case: 'listNamedActors', value: { allNamespaces: true } } as const;
      const { actorsJson = '[]' } = await session.ask('listNamedActors', request);
      const names = actorsOf(actorsJson, this.address)
        .filter(({ name, namespace }) => namespace === this.#options.namespace && name.startsWith(prefix))
        .map(({ name }) => name);
      for (const name of this.#running) if (!names.includes(name)) this.#running.delete(name);
      const silent = names.filter((name) => !this.#running.has(name));
      await Promise.all(silent.map((name) => this.#hear(session, name)));
      return names.map((workerId) => {
        const isRunning = this.#running.has(workerId);
        return { workerId, state: isRunning ? 'running' : 'pending', detail: '' } as const;
      });
    });
  }

  stop(workerId: string): Promise<void> {
    return this.#with(null, async (session) => {
      const actor = await this.#find(session, workerId);
      if (actor === null) return;
      if (this.#running.has(workerId)) {
        // It may end while it hears this.
        await this.#call(session, actor, 'stop', []).catch(unlessGone);
        return;
      }
      const { clientId } = session;
      const terminateType = { $case: 'actor', value: { id: actor, noRestart: true } } as const;
      await session.ask('terminate', { $case: 'terminate', value: { clientId, terminateType } });
    });
  }

  /** An actor that has ended leaves nothing. */
  async forget(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    const open = this.#open;
    this.#open = null;
    await open?.session.close();
  }

  /** Notes whether an actor answers. One that waits for room answers never, or when it has some. */
  async #hear(session: ClientSession, workerId: string): Promise<void> {
    const actor = await this.#find(session, workerId);
    if (actor === null) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.answerMs ?? ANSWER_MS);
    });
    const noted = this.#call(session, actor, 'status', []).then(
      (status) => {
        if (runsAsItSays(status)) this.#running.add(workerId);
      },
      () => {},
    );
    // What comes later is noted for the next look, as long as the session is open.
    await Promise.race([noted, late]);
    clearTimeout(timer);
  }

  /** `null`: there is none of that name. */
  #find(session: ClientSession, name: string): Promise<Buffer | null> {
    return this.#schedule(session, { type: ClientTask_RemoteExecType.NAMED_ACTOR, name }).catch(unlessGone);
  }

  async #create(
    session: ClientSession,
    name: string,
    args: readonly Plain[],
    options: { readonly [key: string]: Plain },
  ): Promise<Buffer> {
    const data = pickleClass(ACTORS, name);
    const put = await session.ask('put', {
      $case: 'put',
      value: { data, clientRefId: EMPTY, chunkId: 0, totalChunks: 1, totalSize: BigInt(data.length) },
    });
    if (put.valid !== true || put.id === undefined) throw this.#failed(`load ${ACTORS}`, put.error);
    return this.#schedule(session, {
      type: ClientTask_RemoteExecType.ACTOR,
      name,
      payloadId: put.id,
      data: pickleArguments(...args),
      options: { pickledOptions: picklePlain(options) },
    });
  }

  async #call(session: ClientSession, actor: Buffer, name: string, args: readonly Plain[]): Promise<string> {
    const id = await this.#schedule(session, {
      type: ClientTask_RemoteExecType.METHOD,
      name,
      payloadId: actor,
      data: pickleArguments(...args),
    });
    const value = { timeout: 0, asynchronous: true, ids: [id], startChunkId: 0 };
    const got = await session.ask('get', { $case: 'get', value }, CALL_MS);
    const data = Buffer.from(got.data ?? EMPTY);
    if (got.valid !== true) throw this.#failed(`call ${name}`, got.error);
    const text = textOfPickle(data);
    if (text !== null) return text;
    // True, or an exception: both are no text.
    if (data.length < 64) return '';
    throw this.#failed(`call ${name}`, data);
  }

  async #schedule(session: ClientSession, task: Partial<ClientTask>): Promise<Buffer> {
    const ticket = await session.ask('taskTicket', {
      $case: 'task',
      value: {
        payloadId: EMPTY,
        data: pickleArguments(),
        namespace: this.#options.namespace,
        options: undefined,
        ...task,
        clientId: session.clientId,
        chunkId: 0,
        totalChunks: 1,
      },
    });
    const id = ticket.returnIds[0];
    if (ticket.valid === true && id !== undefined) return id;
    throw this.#failed(`${task.name}`, ticket.error);
  }

  #failed(what: string, error: Buffer | undefined): RayError {
    const { name, message } = errorOfPickle(Buffer.from(error ?? EMPTY));
    return new RayError('broken', `Ray at ${this.address} cannot ${what}: ${name}: ${message}`, {
      hint: /ModuleNotFound|AttributeError/.test(name)
        ? 'upload the worker: code: upload below run.ray, or install dss_worker there'
        : '',
    });
  }

  /** In a session in whose Python the code can be imported. Calls at once share one. */
  #with<T>(asked: WorkerCode | null, use: (session: ClientSession) => Promise<T>): Promise<T> {
    const code = asked ?? this.#options.code?.() ?? null;
    return withRetries(this.#options.pause, () => this.#tryWith(code, use), TRIES);
  }

  async #tryWith<T>(code: WorkerCode | null, use: (session: ClientSession) => Promise<T>): Promise<T> {
    const open = await this.#turn(async () => {
      const fitting = await this.#opened(code);
      fitting.users += 1;
      return fitting;
    });
    try {
      return await use(open.session);
    } finally {
      open.users -= 1;
      if (open.users === 0) {
        if (open === this.#open) this.#closeLater();
        else await open.session.close();
      }
    }
  }

  #closeLater(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (this.#open?.users === 0) void this.close();
    }, this.#options.idleMs ?? IDLE_MS);
  }

  #turn<T>(open: () => Promise<T>): Promise<T> {
    const next = this.#opening.then(open, open);
    this.#opening = next.catch(() => {});
    return next;
  }

  async #opened(code: WorkerCode | null): Promise<OpenSession> {
    const uri = code === null ? '' : `gcs://${code.name}`;
    const open = this.#open;
    if (open?.session.isOpen && (uri === '' || open.uri === uri)) return open;
    if (code !== null) await ensurePackage(this.#options, code);
    const { address, token, tls, namespace } = this.#options;
    const jobConfig = uri === '' ? EMPTY : pickleJobConfig({ working_dir: uri }, namespace);
    const session = await ClientSession.open({ address, token, tls, namespace, jobConfig });
    this.#open = { session, uri, users: 0 };
    // Whoever uses the one before closes it.
    if (open?.users === 0) await open.session.close();
    return this.#open;
  }
}

/** `null` for an actor that there is none of any more. */
function unlessGone(reason: unknown): null {
  if (reason instanceof RayError && /Failed to look up actor|ActorDied|ValueError/.test(reason.message)) return null;
  throw reason;
}

const Status = z.object({ runs: z.boolean() });

/** A gang that answers may wait for room. */
function runsAsItSays(status: string): boolean {
  try {
    return Status.parse(JSON.parse(status)).runs;
  } catch {
    return false;
  }
}

function actorsOf(actorsJson: string, address: string): z.infer<typeof NamedActors> {
  try {
    return NamedActors.parse(JSON.parse(actorsJson));
  } catch (cause) {
    throw new RayError('broken', `the list of actors of ${address} cannot be read`, { cause });
  }
}
