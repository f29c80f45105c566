/** A Kubernetes launcher as a control plane would open it, and what it tells. */
import { randomBytes } from 'node:crypto';
import type { Failure } from '../../orchestrator/core/domain.js';
import type { Notice } from '../../orchestrator/core/notice.js';
import type { Demand } from '../../orchestrator/core/schedule/demand.js';
import type { JsonValue } from '../../orchestrator/core/sweep/place.js';
import {
  createKubernetesLauncher,
  type KubernetesLauncherOptions,
} from '../../orchestrator/launchers/kubernetes/kubernetes-launcher.js';
import type { Launcher } from '../../orchestrator/launchers/launcher.js';
import { silent } from '../support/control-planes.js';
import { until } from '../support/until.js';

export class ToldLauncher {
  readonly launcher: Launcher;
  readonly exits = new Map<string, Failure>();
  readonly notices = new Map<string, Notice>();
  readonly granted: { readonly pool: string; readonly token: string }[] = [];
  readonly revoked: string[] = [];
  /** Workers that have joined; all, unless a test says otherwise. */
  isConnected: (workerId: string) => boolean = () => true;
  hasJoined: (workerId: string) => boolean = () => true;

  constructor(
    home: string,
    options: Partial<KubernetesLauncherOptions> & Pick<KubernetesLauncherOptions, 'connection'>,
  ) {
    this.launcher = createKubernetesLauncher({
      logger: silent,
      image: 'worker',
      keepsWorkers: true,
      // Tests look often, and at a server of their own.
      api: { perSecond: 100, burst: 100 },
      ...options,
    });
    this.launcher.open({
      address: '127.0.0.1:1',
      reachable: { address: 'dss:7333', storeAddress: null, ca: 'the CA' },
      joinToken: '',
      home,
      workers: 0,
      grantPool: (pool) => {
        const token = randomBytes(8).toString('hex');
        this.granted.push({ pool, token });
        return token;
      },
      revokePool: (pool) => this.revoked.push(pool),
      isConnected: (workerId) => this.isConnected(workerId),
      hasJoined: (workerId) => this.hasJoined(workerId),
      onExit: (workerId, failure) => this.exits.set(workerId, failure),
      onNotice: (key, notice) => (notice === null ? this.notices.delete(key) : this.notices.set(key, notice)),
      onGiveUp: () => {},
    });
  }

  /** Of one sweep whose trials wait, or of none. */
  want(pools: JsonValue, waiting: number, machines = 1): Promise<void> {
    return this.launcher.want([demandOf({ pools }, waiting, machines)]);
  }

  /** Of one whose trials are to have a pod each. */
  wantSeats(pools: JsonValue, waiting: number): Promise<void> {
    return this.launcher.want([demandOf({ pools, podPerTrial: true }, waiting, 1)]);
  }

  async exitOf(workerId: string): Promise<Failure> {
    await until(() => this.exits.has(workerId));
    return this.exits.get(workerId) as Failure;
  }

  async notice(code: string): Promise<Notice> {
    const find = () => [...this.notices.values()].find((each) => each.code === code);
    await until(() => find() !== undefined);
    return find() as Notice;
  }
}

function demandOf(settings: JsonValue, waiting: number, machines: number): Demand {
  const place = { on: 'kubernetes', pools: [], settings } as const;
  return { sweep: 's', place, waiting, running: 0, devices: 1, machines };
}

/** In a worker's place: gives up what it has when it is told to end, as a worker does. */
export const LIVES = ['/bin/sh', '-c', 'trap "exit 143" TERM; while :; do sleep 0.05; done'];
