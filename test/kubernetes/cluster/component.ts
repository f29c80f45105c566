/** One process of a cluster: its log is a file, and it never outlives the test run, not even one that is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const LAST_LINES = 20;

export class Component {
  readonly log: string;
  readonly #command: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #process: ChildProcess | null = null;
  #isWanted = false;

  constructor(log: string, command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.log = log;
    this.#command = command;
    this.#env = env;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  start(): void {
    const log = openSync(this.log, 'a');
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...this.#command], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.#env },
    });
    closeSync(log);
    this.#isWanted = true;
    this.#process.on('error', () => {}); // `check` tells
  }

  /** @throws where it ended by itself, with the end of its log */
  check(): void {
    if (!this.#isWanted || !this.#hasEnded()) return;
    const lines = readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-LAST_LINES);
    throw new Error(`${basename(this.log, '.log')} ended by itself; ${this.log} ends with:\n${lines.join('\n')}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#isWanted = false;
    if (this.#process === null || this.#hasEnded()) return;
    const end = once(this.#process, 'exit');
    this.#process.kill(signal);
    await end;
  }

  #hasEnded(): boolean {
    const child = this.#process;
    return child === null || child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  }
}
