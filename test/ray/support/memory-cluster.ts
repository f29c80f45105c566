/** A cluster of the test's own, in memory: what the launcher asks of one, and what may happen to it. */

import { ENGINE_VERSION } from '../../../orchestrator/core/domain.js';
import type {
  ClusterFacts,
  ClusterRoom,
  ProbeOrder,
  RayCluster,
  RayWorker,
  WorkerOrder,
} from '../../../orchestrator/launchers/ray/cluster.js';

export class MemoryCluster implements RayCluster {
  readonly adapter = 'jobs';
  readonly address = 'http://cluster';
  readonly orders = new Map<string, WorkerOrder>();
  readonly states = new Map<string, RayWorker>();
  readonly stopped: string[] = [];
  readonly probes: ProbeOrder[] = [];
  session = 'first';
  cpus = 4;
  lists = 0;
  answer: Readonly<Record<string, unknown>> = {};
  /** Thrown by the next call. */
  trouble: Error | null = null;
  /** What starts runs at once, while there is room. */
  isPrompt = true;

  async facts(): Promise<ClusterFacts> {
    this.#mayFail();
    return { rayVersion: '2.60.0', session: this.session };
  }

  async room(): Promise<ClusterRoom> {
    this.#mayFail();
    return { total: { CPU: this.cpus }, free: { CPU: 0.5 } };
  }

  async probe(order: ProbeOrder): Promise<string> {
    this.#mayFail();
    this.probes.push(order);
    const versions = { python: '3.11.7' };
    const answer = {
      engine: ENGINE_VERSION,
      host: 'node-1',
      versions,
      agent: '',
      training_agent: '',
      training_python: 'python',
      training_versions: { ...versions, torch: '2.15.0' },
      training: '',
      reach: '',
      ...this.answer,
    };
    return `noise\ndss-probe:${JSON.stringify(answer)}\n`;
  }

  async start(order: WorkerOrder): Promise<void> {
    this.#mayFail();
    if (this.orders.has(order.workerId)) return;
    this.orders.set(order.workerId, order);
    this.become(order.workerId, this.isPrompt ? 'running' : 'pending');
  }

  async list(prefix: string): Promise<readonly RayWorker[]> {
    this.lists += 1;
    this.#mayFail();
    return [...this.states.values()].filter(({ workerId }) => workerId.startsWith(prefix));
  }

  async stop(workerId: string): Promise<void> {
    this.stopped.push(workerId);
    this.become(workerId, 'ended', 'STOPPED');
  }

  async forget(workerId: string): Promise<void> {
    this.states.delete(workerId);
    this.orders.delete(workerId);
  }

  async close(): Promise<void> {}

  become(workerId: string, state: RayWorker['state'], detail = ''): void {
    this.states.set(workerId, { workerId, state, detail });
  }

  /** Everything that ran is gone. */
  restart(session: string): void {
    this.session = session;
    this.states.clear();
    this.orders.clear();
  }

  #mayFail(): void {
    const trouble = this.trouble;
    this.trouble = null;
    if (trouble !== null) throw trouble;
  }
}
