/**
 * Workers as pods of Indexed Jobs, one Job for each pool of a sweep. What a list says is the truth: pools are looked at
 * when what the sweeps ask for changes, once a minute, and when a watch hints at something or has broken off.
 */
import type { Logger } from 'pino';
import type { Failure } from '../../core/domain.js';
import { SweepError } from '../../core/errors.js';
import type { Notice } from '../../core/notice.js';
import type { Demand } from '../../core/schedule/demand.js';
import type { Place } from '../../core/sweep/place.js';
import { kubernetesSettingsOf, type PoolSettings, tokenPoolOf } from '../../core/sweep/places/kubernetes-settings.js';
import { ensureHomeId } from '../../store/home-id.js';
import type { LaunchContext, LaunchedWorker, Launcher } from '../launcher.js';
import { backoffMs } from './backoff.js';
import { KubeApi } from './kube-api.js';
import type { KubeConnection } from './kube-connection.js';
import { KubeError } from './kube-error.js';
import { type Job, type KubeEvent, type Pod, parseEvent, parsePod } from './kube-objects.js';
import type { KubeTransportOptions } from './kube-transport.js';
import { LookTimer, type NextLook } from './look-timer.js';
import { type KnownPod, PodRoster } from './pod-roster.js';
import { isDone } from './pod-standing.js';
import { PodWatch } from './pod-watch.js';
import { indexesOver, poolActions } from './pool-actions.js';
import { jobsByPool, PoolBook, QUICK_DEATH_MS } from './pool-book.js';
import { PoolJobs } from './pool-jobs.js';
import { poolNotice, type Stranger } from './pool-notice.js';
import { CONTAINER, selectorOf } from './worker-job.js';

export interface KubernetesLauncherOptions {
  readonly connection: KubeConnection;
  readonly logger: Logger;
  /** Of workers whose pool names none; `null`: each pool must. */
  readonly image: string | null;
  /** Workers go on when the control plane ends, and come back to the next one on its state folder. */
  readonly keepsWorkers: boolean;
  /** Clients that only know the namespace find the CA of this control plane there. */
  readonly publishesCa?: boolean;
  readonly api?: KubeTransportOptions;
  /** A worker that runs has joined by then, or something is in its way. Default: a minute. */
  readonly joinWithinMs?: number;
  /** However calm it is. Default: a minute. */
  readonly lookEveryMs?: number;
  readonly nowMs?: () => number;
  readonly random?: () => number;
}

/** What there is once a control plane has opened the launcher. */
interface Opened {
  readonly context: LaunchContext;
  readonly jobs: PoolJobs;
  /** Selects all that is of this control plane. */
  readonly labels: string;
}

const LOOK_EVERY_MS = 60_000;
const JOIN_WITHIN_MS = 60_000;
/** While something is on its way: the first time after so long, then twice as long each time. */
const RESTLESS_MS = 1_000;
const LOG_LINES = 20;
const PLANE_LETTERS = 12;

export function createKubernetesLauncher(options: KubernetesLauncherOptions): Launcher {
  return new KubernetesLauncher(options);
}

class KubernetesLauncher implements Launcher {
  readonly place = 'kubernetes';
  readonly workersSurvive: boolean;
  readonly #options: KubernetesLauncherOptions;
  readonly #api: KubeApi;
  readonly #lookEveryMs: number;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  readonly #book: PoolBook;
  readonly #roster: PodRoster;
  readonly #noted = new Set<string>();
  readonly #looks: LookTimer;
  #opened: Opened | null = null;
  #watch: PodWatch | null = null;
  #failures = 0;
  #restless = 0;
  #isCaPublished = false;
  #isDraining = false;
  #isClosed = false;

  constructor(options: KubernetesLauncherOptions) {
    this.#options = options;
    this.workersSurvive = options.keepsWorkers;
    this.#api = new KubeApi(options.connection, options.api);
    this.#lookEveryMs = options.lookEveryMs ?? LOOK_EVERY_MS;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
    this.#book = new PoolBook(this.#nowMs, this.#random);
    this.#looks = new LookTimer(() => this.#look(), this.#nowMs);
    this.#roster = new PodRoster((known, failure) => void this.#ended(known, failure), this.#nowMs);
  }

  check({ settings }: Place): void {
    if (this.#opened?.context.reachable === null) {
      throw new SweepError('PLACE_ABSENT', 'pods cannot reach a control plane that listens on its own machine only', {
        hint: 'dss serve --listen 0.0.0.0:7333, with certificates of `dss auth init --host NAME`; see k8s/README.md',
      });
    }
    if (this.#options.image !== null) return;
    const without = kubernetesSettingsOf(settings).find(({ shape }) => shape.image === null);
    if (without === undefined) return;
    throw new SweepError('SPEC_INVALID', `run.pools: pool ${without.name} names no image, and there is no default`, {
      hint: 'name one by its digest: image: NAME@sha256:…; or start the control plane with DSS_WORKER_IMAGE',
    });
  }

  open(context: LaunchContext): void {
    const { image, logger } = this.#options;
    const plane = ensureHomeId(context.home).slice(0, PLANE_LETTERS);
    const around = { namespace: this.#api.namespace, plane, server: context.reachable?.address ?? '', image };
    const onJobFailed = (key: string) => this.#book.jobFailed(key);
    const jobs = new PoolJobs({ api: this.#api, around, context, logger, onJobFailed });
    this.#opened = { context, jobs, labels: selectorOf(plane) };
    // Clients look for the CA before anything is asked for.
    this.#looks.in(this.#options.publishesCa === true ? 0 : this.#lookEveryMs);
  }

  async want(demands: readonly Demand[]): Promise<void> {
    this.#book.want(demands);
    this.#restless = 0;
    await this.#looks.now();
  }

  async list(): Promise<readonly LaunchedWorker[]> {
    return this.#roster.workers;
  }

  /** A Job goes on to replace a pod that ends, ten seconds later, until it is removed; what starts then is lent nothing. */
  drain(): void {
    this.#isDraining = true;
  }

  async close(): Promise<void> {
    this.#isDraining = true;
    this.#isClosed = true;
    await this.#watch?.stop();
    await this.#looks.close();
    if (!this.#options.keepsWorkers) {
      await this.#opened?.jobs.removeAll();
      for (const { key } of this.#book.all) this.#opened?.context.revokePool(tokenPoolOf(key));
    }
    this.#api.close();
  }

  async #look(): Promise<NextLook> {
    const opened = this.#opened;
    if (opened === null) return { inMs: this.#lookEveryMs, mayBeSooner: true };
    try {
      if (this.#options.publishesCa === true && !this.#isCaPublished) {
        await opened.jobs.publishCa();
        this.#isCaPublished = true;
      }
      const isSettled = await this.#compare(opened);
      this.#failures = 0;
      this.#restless = isSettled ? 0 : this.#restless + 1;
      this.#note('api', null);
      const restlessMs = isSettled ? this.#lookEveryMs : RESTLESS_MS * 2 ** (this.#restless - 1);
      return { inMs: Math.min(this.#lookEveryMs, restlessMs, this.#book.goesOnInMs), mayBeSooner: true };
    } catch (reason) {
      this.#failures += 1;
      const asked = reason instanceof KubeError ? (reason.retryAfterMs ?? 0) : 0;
      const waitMs = Math.max(asked, backoffMs(this.#failures, this.#random()));
      const { code, message, hint } = reason instanceof KubeError ? reason.toSweepError() : SweepError.from(reason);
      this.#options.logger.warn({ code, message, waitMs }, 'kubernetes: not looked through');
      this.#note('api', { code, message, hint });
      return { inMs: waitMs, mayBeSooner: false };
    }
  }

  /** What there is beside what there should be. Gives whether all is as it should be. */
  async #compare(opened: Opened): Promise<boolean> {
    this.#roster.asks();
    const pods = await this.#api.list('pods', { labels: opened.labels });
    const jobs = await opened.jobs.list();
    this.#roster.listed(pods.items.map(parsePod));
    this.#watchFrom(opened.labels, pods.resourceVersion);
    const hashOf = (key: string, settings: PoolSettings) => opened.jobs.hashOf(key, settings);
    const runningOf = (key: string) => this.#roster.of(key).filter(isRunning).length;
    const targets = this.#book.targets(jobs, hashOf, runningOf, (key) => this.#busyOf(key));
    const actions = poolActions(targets, jobs, { nowMs: this.#nowMs(), mayStart: !this.#isDraining });
    for (const action of actions) {
      if (this.#book.waits(action.key)) continue;
      const obstacle = await opened.jobs.act(action);
      if (obstacle === null) this.#book.accepted(action.key);
      else this.#book.refused(action.key, obstacle);
    }
    const isCalm = await this.#explain(jobs);
    this.#forget(opened, jobs);
    return actions.length === 0 && isCalm;
  }

  /** Says of each pool what is in its way. Gives whether every worker that should be there runs. */
  async #explain(jobs: readonly Job[]): Promise<boolean> {
    const byKey = jobsByPool(jobs);
    const notices = new Map<string, Notice | null>();
    const asked = new Set<string>();
    let isCalm = true;
    for (const { key, pool, settings, workers: wanted } of this.#book.all) {
      const job = byKey.get(key);
      const pods = this.#roster.of(key);
      const running = pods.filter(isRunning);
      if (running.some((pod) => this.#livedMs(pod) > QUICK_DEATH_MS)) this.#book.lives(key);
      const isShort = wanted > 0 && (job === undefined || running.length < job.spec.parallelism - indexesOver(job));
      if (isShort) isCalm = false;
      // Of many seats, what is said of the first goes for the others.
      if ((notices.get(pool) ?? null) !== null) continue;
      const isAskedAbout = isShort && job !== undefined && !job.spec.suspend && !asked.has(pool);
      if (isAskedAbout) asked.add(pool);
      const events = isAskedAbout ? await this.#warningsOf(job, pods) : [];
      const stranger = await this.#strangerOf(running);
      if (stranger !== null) isCalm = false;
      const deaths = this.#book.deaths(key);
      const facts = { key, wanted, queue: settings.shape.queue, job, pods, events, stranger, deaths };
      notices.set(pool, this.#book.obstacle(key) ?? poolNotice(facts));
    }
    for (const [pool, notice] of notices) this.#note(`pool:${pool}`, notice);
    return isCalm;
  }

  #busyOf(key: string): number {
    const isBusy = this.#opened?.context.isBusy ?? (() => false);
    const busy = this.#roster.of(key).filter(({ pod }) => isBusy(pod.metadata.name));
    return Math.max(0, ...busy.map(({ pod }) => indexOf(pod) + 1));
  }

  async #strangerOf(pods: readonly KnownPod[]): Promise<Stranger | null> {
    const { context } = this.#opened ?? {};
    const { joinWithinMs = JOIN_WITHIN_MS } = this.#options;
    const isStranger = (pod: KnownPod) =>
      this.#livedMs(pod) > joinWithinMs && context?.isConnected?.(pod.pod.metadata.name) === false;
    const workerId = pods.find(isStranger)?.pod.metadata.name;
    if (workerId === undefined) return null;
    return { workerId, server: context?.reachable?.address ?? '', said: await this.#lastWords(workerId, '') };
  }

  async #warningsOf(job: Job, pods: readonly KnownPod[]): Promise<readonly KubeEvent[]> {
    const of = async (kind: string, name: string) => {
      const fields = `involvedObject.kind=${kind},involvedObject.name=${name},type=Warning`;
      return (await this.#api.list('events', { fields })).items.map(parseEvent);
    };
    const stuck = pods.find(({ standing }) => standing.state === 'starting' && standing.notice === null);
    const ofJob = pods.length < job.spec.parallelism ? await of('Job', job.metadata.name) : [];
    const ofPod = stuck === undefined ? [] : await of('Pod', stuck.pod.metadata.name);
    const uids = new Set([job.metadata.uid, ...pods.map(({ pod }) => pod.metadata.uid)]);
    return [...ofJob, ...ofPod]
      .filter(({ involvedObject }) => uids.has(involvedObject.uid))
      .sort((a, b) => timeOf(a).localeCompare(timeOf(b)));
  }

  async #ended(known: KnownPod, failure: Failure): Promise<void> {
    const workerId = known.pod.metadata.name;
    const { onExit = () => {}, hasJoined } = this.#opened?.context ?? {};
    // What comes next should not wait for long.
    this.#restless = 0;
    // Somebody else's doing, which says nothing about the next one.
    if (failure.kind === 'preempted') return onExit(workerId, failure);
    const isSeat = this.#book.of(known.key)?.settings.shape.podPerTrial === true;
    if (isSeat && isDone(known.pod)) {
      if (hasJoined?.(workerId) === true) {
        this.#book.lives(known.key);
        return onExit(workerId, failure);
      }
      // A program that is no worker: a Job that is Complete would be made again at once.
      this.#book.jobFailed(known.key);
    }
    const told = { ...failure, detail: await this.#lastWords(workerId, failure.detail) };
    this.#book.died(known.key, told, this.#livedMs(known));
    this.#options.logger.info({ workerId, how: told.message }, 'worker ended');
    onExit(workerId, told);
  }

  async #lastWords(pod: string, detail: string): Promise<string> {
    try {
      const lines = await this.#api.podLog(pod, CONTAINER, LOG_LINES);
      return [detail, lines.trimEnd()].filter((text) => text !== '').join('\n');
    } catch {
      return detail; // it is gone, or we may not; that it has ended is what counts
    }
  }

  #livedMs({ runningSinceMs }: KnownPod): number {
    return runningSinceMs === null ? 0 : this.#nowMs() - runningSinceMs;
  }

  #watchFrom(labels: string, version: string): void {
    if (this.#isClosed) return;
    if (this.#watch !== null) {
      this.#watch.listed(version);
      return;
    }
    const onPod = (type: string, pod: Pod) => this.#heard(type, pod);
    const onGap = () => this.#looks.soon();
    this.#watch = new PodWatch({ api: this.#api, labels, random: this.#random, onPod, onGap }, version);
    this.#watch.start();
  }

  #heard(type: string, pod: Pod): void {
    this.#roster.hear(type, pod);
    // Where it leads is for a list to say.
    this.#looks.soon();
  }

  /** Pools that are wanted no more and of which nothing is left. */
  #forget({ context }: Opened, jobs: readonly Job[]): void {
    const there = new Set([...jobsByPool(jobs).keys(), ...this.#roster.keys]);
    for (const part of this.#book.all) {
      if (part.workers > 0 || there.has(part.key)) continue;
      if (this.#book.forget(part)) this.#note(`pool:${part.pool}`, null);
      context.revokePool(tokenPoolOf(part.key));
    }
  }

  #note(key: string, notice: Notice | null): void {
    if (notice === null && !this.#noted.delete(key)) return;
    if (notice !== null) this.#noted.add(key);
    this.#opened?.context.onNotice(key, notice);
  }
}

function isRunning({ standing }: KnownPod): boolean {
  return standing.state === 'running';
}

/** Of an Indexed Job's pod. */
function indexOf({ metadata }: Pod): number {
  return Number(metadata.annotations['batch.kubernetes.io/job-completion-index'] ?? 0);
}

function timeOf({ lastTimestamp, eventTime }: KubeEvent): string {
  return lastTimestamp ?? eventTime ?? '';
}
