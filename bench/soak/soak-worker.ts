/** A worker that joined by hand, and whoever starts it again when it has ended. */
import { join } from 'node:path';
import { workersBelow } from '../../test/support/processes.js';
import { DssProcess } from './dss-process.js';

export class SoakWorker {
  readonly #name: string;
  readonly #address: string;
  readonly #home: string;
  readonly #stopped = new Set<number>();
  readonly #ended: Promise<void>;
  #process: DssProcess;
  #isOver = false;

  constructor(name: string, address: string, home: string) {
    this.#name = name;
    this.#address = address;
    this.#home = home;
    this.#process = this.#begin();
    this.#ended = this.#keepAlive();
  }

  // Each fault says whether there was anything to hit.

  killAgent(): boolean {
    return this.#hit(workersBelow(this.#process.pid).agents, 'SIGKILL');
  }

  killChild(): boolean {
    return this.#hit(workersBelow(this.#process.pid).children, 'SIGKILL');
  }

  /** All of it stands still, as a laptop that sleeps does. */
  stop(forMs: number): boolean {
    const { agents, children } = workersBelow(this.#process.pid);
    const all = [...agents, ...children];
    if (!this.#hit(all, 'SIGSTOP')) return false;
    for (const pid of all) this.#stopped.add(pid);
    setTimeout(() => this.goOn(), forMs).unref();
    return true;
  }

  goOn(): void {
    this.#hit([...this.#stopped], 'SIGCONT');
    this.#stopped.clear();
  }

  /** Ctrl-C: it gives back what it runs. */
  drain(): boolean {
    this.#process.signal('SIGINT');
    return true;
  }

  /** For good. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.goOn();
    this.#process.signal('SIGINT');
    await this.#ended;
  }

  async kill(): Promise<void> {
    this.#isOver = true;
    this.killAgent();
    this.#process.signal('SIGKILL');
    await this.#ended;
  }

  async #keepAlive(): Promise<void> {
    for (;;) {
      await this.#process.ended;
      if (this.#isOver) return;
      this.#process = this.#begin();
    }
  }

  #begin(): DssProcess {
    const words = ['worker', '--server', this.#address, '--name', this.#name, '--threads', '1'];
    return new DssProcess(words, { home: this.#home, log: join(this.#home, `${this.#name}.log`) });
  }

  #hit(pids: readonly number[], signal: NodeJS.Signals): boolean {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
    return pids.length > 0;
  }
}
