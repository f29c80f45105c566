/**
 * Workers on Ray clusters, a pool for each kind that the sweeps ask for. A pool is looked at when what is known of it no
 * longer fits what is asked for, while workers are on their way, and now and then; leases say who lives.
 */
import type { Logger } from 'pino';
import { SweepError } from '../../core/errors.js';
import type { Notice } from '../../core/notice.js';
import type { Demand } from '../../core/schedule/demand.js';
import type { Place } from '../../core/sweep/place.js';
import { type RaySettings, rayKeyOf, raySettingsOf } from '../../core/sweep/places/ray-settings.js';
import { ensureHomeId } from '../../store/home-id.js';
import type { LaunchContext, LaunchedWorker, Launcher } from '../launcher.js';
import { sha256 } from '../sha256.js';
import type { RayCluster, WorkerCode } from './cluster.js';
import { connectionOf } from './connection.js';
import { RayError, sweepErrorOf } from './ray-error.js';
import { RayPool } from './ray-pool.js';
import { failedLookDelayMs } from './retries.js';
import { readWorkerCode } from './worker-code.js';
import { planeOf } from './worker-ids.js';

export interface RayLauncherOptions {
  readonly logger: Logger;
  /** The folder that holds the Python package. */
  readonly pythonPath: string;
  /** Workers go on when the control plane ends, and come back to the next one on its state folder. */
  readonly keepsWorkers: boolean;
  /** `code`: what every order for that cluster will come with. */
  readonly connect: (settings: RaySettings, code: () => WorkerCode | null) => Promise<RayCluster>;
  /** However calm it is. Default: a minute. */
  readonly lookEveryMs?: number;
  readonly nowMs?: () => number;
  readonly random?: () => number;
}

const LOOK_EVERY_MS = 60_000;
/** While something is on its way: the first time after so long, then twice as long each time. */
const SOON_MS = 1_000;
/** Of looks that nothing but a suspicion calls for. */
const LEAST_APART_MS = 5_000;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

export function createRayLauncher(options: RayLauncherOptions): Launcher {
  return new RayLauncher(options);
}

/** Of one pool; of settings that do not tell kinds of workers apart the last ones count. */
interface Asked {
  readonly settings: RaySettings;
  readonly demands: Demand[];
}

/** What one pool's looks need. */
interface Looked {
  readonly pool: RayPool;
  timer: NodeJS.Timeout | null;
  looking: Promise<void> | null;
  isDue: boolean;
  restless: number;
  failures: number;
  lastMs: number;
}

class RayLauncher implements Launcher {
  readonly place = 'ray';
  readonly workersSurvive: boolean;
  readonly #options: RayLauncherOptions;
  readonly #pools = new Map<string, Looked>();
  /** Keys of those that are asked for and cannot be. */
  readonly #unopened = new Set<string>();
  readonly #lookEveryMs: number;
  readonly #nowMs: () => number;
  #context: LaunchContext | null = null;
  #code: WorkerCode | null = null;
  #isDraining = false;
  #isClosed = false;
  #closing: Promise<void> | null = null;

  constructor(options: RayLauncherOptions) {
    this.#options = options;
    this.workersSurvive = options.keepsWorkers;
    this.#lookEveryMs = options.lookEveryMs ?? LOOK_EVERY_MS;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  check({ settings }: Place): void {
    const parsed = raySettingsOf(settings);
    connectionOf(parsed);
    if (this.#context !== null) serverOf(parsed, this.#context);
  }

  open(context: LaunchContext): void {
    this.#context = context;
  }

  async want(demands: readonly Demand[]): Promise<void> {
    const context = this.#context;
    if (context === null || this.#isClosed) return;
    const byKey = new Map<string, Asked>();
    for (const demand of demands) {
      const settings = raySettingsOf(demand.place.settings);
      const key = rayKeyOf(settings, sha256);
      byKey.set(key, { settings, demands: [...(byKey.get(key)?.demands ?? []), demand] });
    }
    for (const key of this.#unopened) if (!byKey.has(key)) this.#noteUnopened(key, null);
    for (const [key, { settings }] of byKey) if (!this.#pools.has(key)) this.#open(key, settings, context);
    const looks = [...this.#pools].map(([key, looked]) => this.#tell(looked, byKey.get(key)));
    await Promise.all(looks);
  }

  async list(): Promise<readonly LaunchedWorker[]> {
    return [...this.#pools.values()].flatMap(({ pool }) => pool.workers);
  }

  drain(): void {
    this.#isDraining = true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closed();
    return this.#closing;
  }

  async #closed(): Promise<void> {
    this.#isDraining = true;
    this.#isClosed = true;
    for (const looked of this.#pools.values()) {
      if (looked.timer !== null) clearTimeout(looked.timer);
      await looked.looking;
      try {
        if (!this.#options.keepsWorkers) {
          await looked.pool.stopAll();
          await looked.pool.end();
        }
        await looked.pool.close();
      } catch (reason) {
        // They end themselves, since nobody renews their leases.
        this.#options.logger.warn({ message: sweepErrorOf(reason).message }, 'ray: workers were left');
      }
    }
  }

  /** A service goes on without a pool that its settings or its address allow no more, or not yet. */
  #open(key: string, settings: RaySettings, context: LaunchContext): void {
    try {
      this.#pools.set(key, this.#opened(key, settings, context));
      this.#noteUnopened(key, null);
    } catch (reason) {
      if (!this.#options.keepsWorkers) throw reason;
      const { code, message, hint } = sweepErrorOf(reason);
      this.#options.logger.warn({ code, message }, 'ray: a pool cannot be opened');
      this.#noteUnopened(key, { code, message, hint });
    }
  }

  #noteUnopened(key: string, notice: Notice | null): void {
    if (notice === null) this.#unopened.delete(key);
    else this.#unopened.add(key);
    this.#context?.onNotice(`pool:${key}`, notice);
  }

  #opened(key: string, settings: RaySettings, context: LaunchContext): Looked {
    const { logger, pythonPath } = this.#options;
    const code = () => {
      if (settings.code === 'installed') return null;
      this.#code ??= readWorkerCode(pythonPath);
      return this.#code;
    };
    const pool = new RayPool({
      key,
      settings,
      plane: planeOf(ensureHomeId(context.home)),
      context,
      server: serverOf(settings, context),
      code,
      connect: () => this.#options.connect(settings, code),
      logger,
      nowMs: this.#nowMs,
    });
    return { pool, timer: null, looking: null, isDue: false, restless: 0, failures: 0, lastMs: -Infinity };
  }

  async #tell(looked: Looked, asked: Asked | undefined): Promise<void> {
    const hadWork = looked.pool.isWanted;
    const isAmiss = looked.pool.want(asked?.demands ?? [], asked?.settings);
    const apartMs = this.#nowMs() - looked.lastMs;
    // After a failure the timer decides.
    const leastMs = isAmiss && looked.failures === 0 ? LEAST_APART_MS : this.#lookEveryMs;
    if (hadWork !== looked.pool.isWanted || apartMs >= leastMs) {
      await this.#look(looked);
    } else if (looked.timer === null && looked.looking === null) {
      this.#lookSoon(looked, Math.max(0, this.#lookEveryMs - apartMs));
    }
  }

  /** One look at a time; whoever asks during one waits for the next. */
  async #look(looked: Looked): Promise<void> {
    if (this.#isClosed) return;
    if (looked.looking !== null) {
      looked.isDue = true;
      await looked.looking;
      return;
    }
    looked.looking = this.#lookUntilDone(looked);
    try {
      await looked.looking;
    } finally {
      looked.looking = null;
    }
  }

  async #lookUntilDone(looked: Looked): Promise<void> {
    do {
      looked.isDue = false;
      looked.lastMs = this.#nowMs();
      const waitMs = await this.#lookOnce(looked);
      if (waitMs !== null) this.#lookSoon(looked, waitMs);
    } while (looked.isDue && !this.#isClosed);
  }

  /** Gives when to look again; `null`: the pool is over. */
  async #lookOnce(looked: Looked): Promise<number | null> {
    const { pool } = looked;
    try {
      const isSettled = await pool.look(!this.#isDraining);
      if (looked.failures > 0) this.#context?.onNotice(`cluster:${pool.key}`, null);
      looked.failures = 0;
      looked.restless = isSettled ? 0 : looked.restless + 1;
      if (pool.isOver) {
        await pool.end();
        await pool.close();
        this.#pools.delete(pool.key);
        return null;
      }
      return isSettled ? this.#lookEveryMs : Math.min(this.#lookEveryMs, SOON_MS * 2 ** (looked.restless - 1));
    } catch (reason) {
      return this.#failed(looked, reason);
    }
  }

  #failed(looked: Looked, reason: unknown): number {
    looked.failures += 1;
    const error = sweepErrorOf(reason);
    const { code, message, hint } = error;
    const mayPass = reason instanceof RayError && reason.kind === 'unreachable';
    const random = (this.#options.random ?? Math.random)();
    const waitMs = Math.min(this.#lookEveryMs, failedLookDelayMs(looked.failures, mayPass, random));
    this.#options.logger.warn({ code, message, waitMs }, 'ray: the cluster was not looked at');
    this.#context?.onNotice(`cluster:${looked.pool.key}`, { code, message, hint });
    // Whoever waits for this one sweep wants to hear it; a service goes on with the others.
    if (!mayPass && !this.#options.keepsWorkers) this.#context?.onGiveUp(error);
    return waitMs;
  }

  #lookSoon(looked: Looked, waitMs: number): void {
    if (this.#isClosed) return;
    if (looked.timer !== null) clearTimeout(looked.timer);
    looked.timer = setTimeout(() => {
      looked.timer = null;
      void this.#look(looked);
    }, waitMs);
  }
}

/** What workers are told. @throws SweepError PLACE_ABSENT when they could reach nothing */
function serverOf(settings: RaySettings, { address, reachable }: LaunchContext): { address: string; ca: string } {
  const isHere = (host: string) => LOOPBACK.test(host);
  const asked = settings.advertise;
  if (asked !== null && isHere(asked.slice(0, asked.lastIndexOf(':')))) return { address: asked, ca: '' };
  const host = /^(?:\w+:\/\/)?(\[[^\]]+\]|[^:/]+)/.exec(settings.address)?.[1] ?? '';
  if (asked === null && isHere(host)) return { address, ca: '' };
  if (reachable === null) {
    throw new SweepError(
      'PLACE_ABSENT',
      `the Ray cluster at ${settings.address} cannot reach a control plane that listens on its own machine only`,
      {
        hint: '`dss auth init --host NAME`, then dss serve --listen 0.0.0.0:7333; workers only need to connect outwards',
      },
    );
  }
  return { address: asked ?? reachable.address, ca: reachable.ca };
}
