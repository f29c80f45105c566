/** The control plane of the soak: killed, it comes back at the same address; its memory is looked at all the time. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DssProcess } from './dss-process.js';

/** Short, so that what was lost comes back soon. */
export const LEASE_S = 6;
const LOOK_EVERY_MS = 1_000;

export interface MemorySample {
  readonly atMs: number;
  readonly mebibytes: number;
  /** Of its life: counted from its first start. */
  readonly life: number;
}

export class SoakPlane {
  readonly address: string;
  readonly rss: MemorySample[] = [];
  readonly restartsS: number[] = [];
  readonly #home: string;
  readonly #timer: NodeJS.Timeout;
  #life = 0;
  #process: DssProcess;

  private constructor(home: string, address: string) {
    this.#home = home;
    this.address = address;
    this.#process = this.#begin();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  static async start(home: string): Promise<SoakPlane> {
    const plane = new SoakPlane(home, `127.0.0.1:${await freePort()}`);
    await plane.#process.firstLine();
    return plane;
  }

  /** Killed in the middle of whatever it does. */
  async dieAndComeBack(): Promise<void> {
    await this.#die();
    const started = performance.now();
    this.#life += 1;
    this.#process = this.#begin();
    await this.#process.firstLine();
    this.restartsS.push((performance.now() - started) / 1000);
  }

  /** As Ctrl-C ends it. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#process.signal('SIGINT');
    await this.#process.ended;
  }

  async kill(): Promise<void> {
    clearInterval(this.#timer);
    await this.#die();
  }

  async #die(): Promise<void> {
    this.#process.signal('SIGKILL');
    await this.#process.ended;
  }

  #begin(): DssProcess {
    const words = ['serve', '--listen', this.address, '--lease', String(LEASE_S), '--grace', '5'];
    return new DssProcess(words, { home: this.#home, log: join(this.#home, 'serve.log') });
  }

  #look(): void {
    let status: string;
    try {
      status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    } catch {
      return; // between two lives
    }
    const mebibytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
    if (mebibytes > 0) this.rss.push({ atMs: performance.now(), mebibytes, life: this.#life });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject()));
    });
  });
}
