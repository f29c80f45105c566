/** A real control plane on a state folder of its own, with its client; gone after the test. */
import { pino } from 'pino';
import { type Client, connectClient } from '../../orchestrator/control/client.js';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from '../../orchestrator/control/control-plane.js';
import type { WatchEvent } from '../../orchestrator/core/watch-event.js';
import type { Hello } from '../../orchestrator/core/worker-message.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { temporaryFolder } from './dss.js';
import { ScriptedWorker } from './scripted-worker.js';

export const silent = pino({ level: 'silent' });

export class TestPlane {
  readonly home: string;
  readonly client: Client;
  readonly #plane: ControlPlane;
  readonly #workers: ScriptedWorker[] = [];
  readonly #remove: () => void;

  private constructor(home: string, plane: ControlPlane, remove: () => void) {
    this.home = home;
    this.#plane = plane;
    this.#remove = remove;
    this.client = connectClient({ address: plane.address, token: plane.clientToken });
  }

  /** On `options.home`, which then stays, or on a folder of its own. */
  static async start(options: Partial<ControlPlaneOptions> = {}): Promise<TestPlane> {
    const folder = options.home === undefined ? temporaryFolder() : null;
    const home = options.home ?? folder?.path ?? '';
    const plane = await startControlPlane({ logger: silent, openJournal, workers: 0, ...options, home });
    return new TestPlane(home, plane, () => folder?.[Symbol.dispose]());
  }

  get plane(): ControlPlane {
    return this.#plane;
  }

  worker(hello?: Partial<Hello>): ScriptedWorker {
    const { address, joinToken } = this.#plane;
    const worker = new ScriptedWorker({ address, joinToken, ...(hello === undefined ? {} : { hello }) });
    this.#workers.push(worker);
    return worker;
  }

  /** Everything that a watcher is told until the sweep has ended. */
  async watched(sweep: string): Promise<readonly WatchEvent[]> {
    const events: WatchEvent[] = [];
    for await (const event of this.client.watch(sweep, new AbortController().signal)) events.push(event);
    return events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) worker.close();
    this.client.close();
    await this.#plane.stop();
    this.#remove();
  }
}
