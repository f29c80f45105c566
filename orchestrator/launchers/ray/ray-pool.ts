/**
 * The workers of one kind on one cluster. What a list says is the truth; what is remembered beside it is only what a
 * list does not say: since when, how often in a row they died, and what was told already.
 */
import type { Logger } from 'pino';
import { failpoint } from '../../control/failpoints.js';
import type { Failure } from '../../core/domain.js';
import type { Notice } from '../../core/notice.js';
import type { Demand } from '../../core/schedule/demand.js';
import { type RaySettings, tokenPoolOf } from '../../core/sweep/places/ray-settings.js';
import type { LaunchContext, LaunchedWorker } from '../launcher.js';
import type { Ask, ClusterRoom, RayCluster, RayWorker, WorkerCode } from './cluster.js';
import { agentPythonOf, probeAnswerOf, versionsText } from './probe-answer.js';
import { askOf, askText, fitting, gangSizeOf, roomText, wantedWorkers } from './wanted-workers.js';
import { isWorkerId, membersOf, prefixOf, Slots, sizeOf } from './worker-ids.js';

export interface RayPoolParts {
  readonly key: string;
  readonly settings: RaySettings;
  /** Names the control plane among those that use the cluster. */
  readonly plane: string;
  readonly context: LaunchContext;
  readonly server: { readonly address: string; readonly ca: string };
  /** Read once, when it is first needed. */
  readonly code: () => WorkerCode | null;
  readonly connect: () => Promise<RayCluster>;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

interface Known {
  readonly worker: RayWorker;
  readonly sinceMs: number;
  readonly runningSinceMs: number | null;
  readonly isStopping: boolean;
}

/** What is found out before the first worker starts. */
interface Prepared {
  /** The same as long as the head lives. */
  readonly session: string;
  readonly agentPython: string | null;
}

/** A life shorter than this is a quick death: it did no work worth the name. */
const QUICK_MS = 30_000;
const FIRST_REST_MS = 2_000;
const LONGEST_REST_MS = 300_000;
/** Starting takes a few seconds; whoever still waits then waits for room. */
const WAITS_MS = 15_000;

export class RayPool {
  readonly key: string;
  readonly #parts: RayPoolParts;
  readonly #prefix: string;
  readonly #slots: Slots;
  #cluster: RayCluster | null = null;
  #prepared: Prepared | null = null;
  #token: string | null = null;
  #known = new Map<string, Known>();
  #isAdopted = false;
  #demands: readonly Demand[] = [];
  #deaths = 0;
  #restUntilMs = 0;
  #lastDeath: Failure | null = null;
  #isNoted = false;
  /** The last first look, which is listed as long as it may be of use to a person. */
  #probeId: string | null = null;
  #quickDeathsSeen = false;
  #settings: RaySettings;
  /** What the cluster, or the command, allows, as of the last look. */
  #limit = Number.POSITIVE_INFINITY;
  #room: ClusterRoom | null = null;

  constructor(parts: RayPoolParts) {
    this.key = parts.key;
    this.#parts = parts;
    this.#settings = parts.settings;
    this.#prefix = prefixOf(parts.plane, parts.key);
    this.#slots = new Slots(this.#prefix);
  }

  get workers(): readonly LaunchedWorker[] {
    const kind = this.#cluster?.adapter === 'jobs' ? 'job' : 'actor';
    return this.#alive.flatMap(({ worker, isStopping }) =>
      membersOf(worker.workerId).map((workerId) => ({
        workerId,
        pool: tokenPoolOf(this.key),
        state: isStopping ? 'stopping' : worker.state === 'running' ? 'running' : 'starting',
        detail: `Ray ${kind} ${worker.workerId}${worker.detail === '' ? '' : `, ${worker.detail}`}`,
      })),
    );
  }

  /** Nobody asks for it and nothing of it is left. */
  get isOver(): boolean {
    return this.#isAdopted && this.#alive.length === 0 && !this.isWanted;
  }

  get isWanted(): boolean {
    return this.#demands.some(({ waiting, running }) => waiting + running > 0);
  }

  /** `true`: what is known of the cluster does not fit what is asked for now, so that it should be looked at. */
  want(demands: readonly Demand[], settings: RaySettings = this.#settings): boolean {
    this.#demands = demands;
    this.#settings = settings;
    const running = demands.reduce((sum, each) => sum + each.running, 0);
    const waiting = demands.reduce((sum, each) => sum + each.waiting, 0);
    const alive = this.#alive;
    // With work for everybody whoever does nothing may be gone.
    const isAnyIdle = waiting > 0 && running < alive.length;
    const isAnyTooMuch = this.#fit > this.#target && alive.some(({ worker }) => worker.state === 'pending');
    return !this.#isAdopted || this.#fit < this.#target || isAnyIdle || isAnyTooMuch;
  }

  get #target(): number {
    return wantedWorkers(this.#demands, this.#settings, this.#limit);
  }

  /** Those that can do what is asked for; members of a gang are workers for whoever needs one. */
  get #fit(): number {
    const size = gangSizeOf(this.#demands);
    const sizes = this.#alive.map(({ worker }) => sizeOf(worker.workerId));
    return size === 1 ? sizes.reduce((sum, each) => sum + each, 0) : sizes.filter((each) => each >= size).length;
  }

  get #alive(): readonly Known[] {
    return [...this.#known.values()].filter(({ worker }) => worker.state !== 'ended');
  }

  /** Whether every worker that should be there runs. @throws RayError, SweepError */
  async look(mayStart: boolean): Promise<boolean> {
    const { context, nowMs } = this.#parts;
    this.#cluster ??= await this.#parts.connect();
    const cluster = this.#cluster;
    this.#listed(await cluster.list(this.#prefix));
    if (!this.isWanted) {
      await this.#stopWaiting(this.#alive.length);
      return this.#alive.every(({ worker }) => worker.state === 'running');
    }
    const room = await this.#roomOf(cluster);
    const ask = askOf(this.#settings, room, this.#demands);
    // A service is told of 0 workers, which are those on its own machine.
    const isAuto = context.workers === 'auto' || context.workers === 0;
    // One that fits nowhere is asked for all the same: a cluster that grows would make room for it.
    this.#limit = isAuto ? Math.max(gangSizeOf(this.#demands), fitting(room, ask)) : context.workers;
    const missing = this.#target - this.#fit;
    const isResting = nowMs() < this.#restUntilMs;
    if (missing > 0 && mayStart && !isResting) {
      await this.#prepare(cluster);
      const alive = this.#alive.map(({ worker }) => worker.workerId);
      const size = gangSizeOf(this.#demands);
      for (const workerId of this.#slots.next(alive, missing, size)) await this.#start(cluster, workerId, ask);
    } else if (missing < 0) {
      // Those that run end by themselves when nothing is lent to them.
      await this.#stopWaiting(-missing);
    }
    this.#explain(cluster, ask, room);
    return this.#fit >= this.#target && this.#alive.every(({ worker }) => worker.state === 'running');
  }

  /** Asked for with each look at which something is missing, and else not at all. */
  async #roomOf(cluster: RayCluster): Promise<ClusterRoom> {
    const isCalm = this.#room !== null && this.#fit >= this.#target && this.#waitingLong.length === 0;
    if (!isCalm || this.#room === null) this.#room = await cluster.room();
    return this.#room;
  }

  get #waitingLong(): readonly Known[] {
    const before = this.#parts.nowMs() - WAITS_MS;
    return this.#alive.filter(({ worker, sinceMs }) => worker.state === 'pending' && sinceMs <= before);
  }

  /** Once for each life of the head: what can be known to fail is told before a worker fails of it. */
  async #prepare(cluster: RayCluster): Promise<void> {
    const { settings, server, plane, key, code, logger } = this.#parts;
    const { session, rayVersion } = await cluster.facts();
    if (this.#prepared?.session === session) return;
    const { address } = cluster;
    await this.#forgetProbe(cluster);
    const probeId = `dss-probe-${plane}-${key}-${probeNumber()}`;
    this.#probeId = probeId;
    const order = { probeId, server: server.address, ca: server.ca };
    const said = await cluster.probe({ ...order, trainingPython: settings.python, code: code() });
    const answer = probeAnswerOf(said, address);
    const wishes = { address, server: server.address, python: settings.python, code: settings.code };
    this.#prepared = { session, agentPython: agentPythonOf(answer, wishes) };
    logger.info({ address, adapter: cluster.adapter, rayVersion, session }, `ray: ${versionsText(answer)}`);
  }

  async #start(cluster: RayCluster, workerId: string, ask: Ask): Promise<void> {
    const { settings, server, context, code, logger, nowMs } = this.#parts;
    this.#token ??= context.grantPool(tokenPoolOf(this.key));
    const threads = settings.threads ?? Math.max(1, Math.floor(ask.cpus));
    failpoint('before-launch');
    await cluster.start({
      workerId,
      members: membersOf(workerId),
      python: this.#prepared?.agentPython ?? null,
      args: [
        ...['--server', server.address, '--threads', String(threads), '--gpus', String(ask.gpus)],
        ...['--idle-exit', String(Math.round(settings.idleMinutes * 60_000) / 1000)],
      ],
      env: {
        DSS_JOIN_TOKEN: this.#token,
        ...(server.ca === '' ? {} : { DSS_TLS_CA_PEM: server.ca }),
        ...(settings.python === null ? {} : { DSS_PYTHON: settings.python }),
      },
      ask,
      code: code(),
    });
    failpoint('after-launch');
    logger.info({ workerId, ...ask }, 'ray: worker asked for');
    this.#slots.remember(workerId);
    const worker: RayWorker = { workerId, state: 'pending', detail: '' };
    this.#known.set(workerId, { worker, sinceMs: nowMs(), runningSinceMs: null, isStopping: false });
  }

  /** Of those that wait for room, the last ones first. */
  async #stopWaiting(count: number): Promise<void> {
    const waiting = this.#alive.filter(({ worker, isStopping }) => worker.state === 'pending' && !isStopping);
    for (const { worker } of waiting.slice(Math.max(0, waiting.length - count))) await this.#stop(worker.workerId);
  }

  async #stop(workerId: string): Promise<void> {
    await this.#cluster?.stop(workerId);
    const known = this.#known.get(workerId);
    if (known !== undefined) this.#known.set(workerId, { ...known, isStopping: true });
  }

  #listed(workers: readonly RayWorker[]): void {
    const now = this.#parts.nowMs();
    const before = this.#known;
    this.#known = new Map();
    for (const worker of workers) {
      if (!isWorkerId(worker.workerId)) continue;
      this.#slots.remember(worker.workerId);
      const known = before.get(worker.workerId);
      const runningSinceMs = worker.state === 'pending' ? null : (known?.runningSinceMs ?? now);
      const { sinceMs = now, isStopping = false } = known ?? {};
      this.#known.set(worker.workerId, { worker, sinceMs, runningSinceMs, isStopping });
      if (worker.state === 'ended' && known !== undefined && known.worker.state !== 'ended')
        this.#ended(known, worker.detail);
      if (worker.state === 'running' && now - (runningSinceMs ?? now) >= QUICK_MS) this.#deaths = 0;
    }
    for (const [workerId, known] of before) {
      if (this.#known.has(workerId) || known.worker.state === 'ended') continue;
      this.#ended(known, 'the cluster does not know it any more');
    }
    this.#countDeaths();
    this.#isAdopted = true;
  }

  #ended({ worker: { workerId }, sinceMs, runningSinceMs, isStopping }: Known, how: string): void {
    const { context, logger, nowMs } = this.#parts;
    const where = `ended on the Ray cluster at ${this.#cluster?.address ?? this.#settings.address}`;
    const failureOf = (member: string): Failure => ({
      code: 'WORKER_EXITED',
      message: `worker ${member} ${where}`,
      hint: `\`ray job logs ${workerId}\`, or the dashboard, has what it said`,
      detail: how,
      kind: 'lost',
    });
    logger.info({ workerId, how }, 'ray: worker ended');
    for (const member of membersOf(workerId)) context.onExit(member, failureOf(member));
    // A worker that ended in order had nothing to do.
    if (isStopping || how.startsWith('SUCCEEDED')) return;
    this.#lastDeath = failureOf(workerId);
    if (nowMs() - (runningSinceMs ?? sinceMs) < QUICK_MS) this.#quickDeathsSeen = true;
    else this.#deaths = 0;
  }

  /** Those that are found dead at the same time died of the same: the head, or a machine. */
  #countDeaths(): void {
    if (!this.#quickDeathsSeen) return;
    this.#quickDeathsSeen = false;
    this.#deaths += 1;
    if (this.#deaths < 2) return;
    this.#restUntilMs = this.#parts.nowMs() + Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (this.#deaths - 2));
  }

  #explain(cluster: RayCluster, ask: Ask, room: ClusterRoom): void {
    this.#note(this.#noticeOf(cluster, ask, room));
  }

  #note(notice: Notice | null): void {
    if (notice === null && !this.#isNoted) return;
    this.#isNoted = notice !== null;
    this.#parts.context.onNotice(`pool:${this.key}`, notice);
  }

  #noticeOf({ address }: RayCluster, ask: Ask, room: ClusterRoom): Notice | null {
    if (this.#deaths > 1 && this.#lastDeath !== null) {
      const { message, detail, hint } = this.#lastDeath;
      const code = 'WORKERS_FAILED';
      return { code, message: `${message}, ${this.#deaths} times in a row: ${detail.slice(-1000)}`, hint };
    }
    const size = gangSizeOf(this.#demands);
    const { maxWorkers } = this.#settings;
    if (this.#target === 0) {
      return {
        code: 'WORKERS_PENDING',
        message: `a trial needs ${size} workers at once, and ${maxWorkers === null ? '--workers' : 'run.ray.max_workers'} allows ${maxWorkers ?? this.#limit}`,
        hint: 'allow more, or have fewer machines for each trial',
      };
    }
    const pending = this.#alive.filter(({ worker }) => worker.state === 'pending').length;
    const waiting = fitting(room, ask) < size ? pending : this.#waitingLong.length;
    if (waiting === 0) return null;
    const what = size === 1 ? 'worker' : 'gang of workers';
    const count = waiting === 1 ? `1 ${what} waits` : `${waiting} ${what.replace(/^\w+/, '$&s')} wait`;
    return {
      code: 'WORKERS_PENDING',
      message: `${count} for room on the Ray cluster at ${address}: each asks for ${askText(ask, size)}; the cluster has ${roomText(room, ask)}`,
      hint: 'ask for less below run.ray (cpus, gpus, memory, resources, max_workers), or add machines: workers start when there is room',
    };
  }

  /** Stops what there is and waits for none of it. */
  async stopAll(): Promise<void> {
    for (const { worker } of this.#alive) await this.#stop(worker.workerId);
  }

  /** Nobody joins it any more, and of what has ended well nothing is left on the cluster. */
  async end(): Promise<void> {
    this.#parts.context.revokePool(tokenPoolOf(this.key));
    this.#note(null);
    if (this.#cluster !== null) await this.#forgetProbe(this.#cluster);
    for (const { worker } of this.#known.values()) {
      if (worker.state === 'ended' && !worker.detail.startsWith('FAILED')) await this.#cluster?.forget(worker.workerId);
    }
  }

  async #forgetProbe(cluster: RayCluster): Promise<void> {
    if (this.#probeId !== null) await cluster.forget(this.#probeId);
    this.#probeId = null;
  }

  async close(): Promise<void> {
    await this.#cluster?.close();
  }
}

/** Of this process and this moment: a probe leaves nothing that another could take for its own. */
function probeNumber(): string {
  return `${process.pid}-${Math.floor(performance.now())}`;
}
