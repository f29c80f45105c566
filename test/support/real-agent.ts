/** A real Python agent that a test starts by hand, in a process group of its own with the training below it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { findPython, pythonPath } from '../../orchestrator/cli/python.js';
import { childrenOf } from './processes.js';

export class RealAgent {
  readonly #process: ChildProcess;
  #said = '';
  readonly #waiting = new Set<() => void>();
  readonly ended: Promise<void>;

  /** @param before words to put before its command, @param env of its environment */
  constructor(
    workerId: string,
    plane: { readonly address: string; readonly joinToken: string },
    before: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ) {
    const args = ['-P', '-m', 'dss_worker', 'agent', '--server', plane.address, '--worker-id', workerId];
    const [program = '', ...rest] = [...before, findPython(), ...args, '--threads', '1', '--device', 'cpu'];
    this.#process = spawn(program, rest, {
      env: { ...process.env, PYTHONPATH: pythonPath(), DSS_JOIN_TOKEN: plane.joinToken, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#said += chunk;
      for (const look of this.#waiting) look();
    });
    this.ended = new Promise((resolve) => this.#process.on('close', () => resolve()));
  }

  /** Processes that it has started. */
  get below(): readonly number[] {
    return childrenOf(this.#process.pid ?? 0);
  }

  /** Resolves once its log has a line like that; rejects when it ends before. */
  says(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!pattern.test(this.#said)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
      void this.ended.then(() => reject(new Error(`the agent ended first; it said:\n${this.#said}`)));
    });
  }

  /** To it and everything below it. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-(this.#process.pid ?? 0), signal);
    } catch {
      // The group has ended.
    }
  }
}
