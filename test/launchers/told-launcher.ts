/** A launcher as a control plane opens it, and what it tells. */
import { randomBytes } from 'node:crypto';
import type { Failure } from '../../orchestrator/core/domain.js';
import type { SweepError } from '../../orchestrator/core/errors.js';
import type { Notice } from '../../orchestrator/core/notice.js';
import type { Demand } from '../../orchestrator/core/schedule/demand.js';
import type { JsonValue } from '../../orchestrator/core/sweep/place.js';
import type { LaunchContext, LaunchedWorker, Launcher } from '../../orchestrator/launchers/launcher.js';
import { until } from '../support/until.js';

export interface ToldWishes extends Partial<Pick<LaunchContext, 'address' | 'reachable' | 'workers'>> {
  /** What every worker joins by; default: nothing that a control plane knows. */
  readonly joinToken?: string;
}

export class ToldLauncher {
  readonly launcher: Launcher;
  readonly exits = new Map<string, Failure>();
  readonly notices = new Map<string, Notice>();
  readonly givenUp: SweepError[] = [];
  readonly granted: string[] = [];
  readonly revoked: string[] = [];

  constructor(
    launcher: Launcher,
    home: string,
    { address = '127.0.0.1:1', reachable = null, workers = 0, joinToken }: ToldWishes = {},
  ) {
    this.launcher = launcher;
    launcher.open({
      address,
      reachable,
      joinToken: joinToken ?? '',
      home,
      workers,
      grantPool: (pool) => {
        this.granted.push(pool);
        return joinToken ?? randomBytes(8).toString('hex');
      },
      revokePool: (pool) => this.revoked.push(pool),
      onExit: (workerId, failure) => this.exits.set(workerId, failure),
      onNotice: (key, notice) => (notice === null ? this.notices.delete(key) : this.notices.set(key, notice)),
      onGiveUp: (error) => this.givenUp.push(error),
    });
  }

  /** Of one sweep; none of its trials: of no sweep. */
  want(settings: JsonValue, waiting: number, running = 0, machines = 1): Promise<void> {
    if (waiting + running === 0) return this.launcher.want([]);
    const place = { on: this.launcher.place, pools: [], settings };
    const demand: Demand = { sweep: 'x', place, waiting, running, devices: 1, machines };
    return this.launcher.want([demand]);
  }

  /** By id. */
  async workers(): Promise<ReadonlyMap<string, LaunchedWorker['state']>> {
    const workers = await this.launcher.list();
    return new Map(workers.map(({ workerId, state }) => [workerId, state]));
  }

  /** Those that run, once there are so many of them. */
  async running(count: number): Promise<readonly string[]> {
    let running: readonly string[] = [];
    await until(async () => {
      running = [...(await this.workers())].filter(([, state]) => state === 'running').map(([id]) => id);
      return running.length === count;
    });
    return running.toSorted();
  }

  async exitOf(workerId: string): Promise<Failure> {
    await until(() => this.exits.has(workerId));
    return this.exits.get(workerId) as Failure;
  }

  async noticeOf(code: string): Promise<Notice> {
    const find = () => [...this.notices.values()].find((each) => each.code === code);
    await until(() => find() !== undefined);
    return find() as Notice;
  }
}
