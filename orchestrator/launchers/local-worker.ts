/** One worker agent as a child process, in a process group of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import type { Failure } from '../core/domain.js';

export interface WorkerCommand {
  readonly python: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const LOG_BYTES = 4 * 1024 * 1024;
const TAIL_CHARACTERS = 4_096;
const TAIL_LINES = 20;
const LAST_WORDS_MS = 500;

export class LocalWorker {
  readonly workerId: string;
  /** When the process has ended: how, in words. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #logPath: string;
  #tail = '';
  #isLogBroken = false;

  constructor(workerId: string, { python, args, env }: WorkerCommand, home: string) {
    this.workerId = workerId;
    this.#logPath = join(home, 'logs', 'workers', `${workerId}.log`);
    mkdirSync(dirname(this.#logPath), { recursive: true, mode: 0o700 });
    this.#process = spawn(python, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output?.on('data', (chunk: Buffer) => this.#keep(chunk));
    }
    this.ended = new Promise((resolve) => {
      this.#process.on('error', (error) => resolve(`could not be started: ${error.message}`));
      this.#process.on('exit', (code, signal) => {
        // Its last words may still be in the pipe; something that inherited the pipe must not hold us up.
        const timer = setTimeout(() => resolve(describe(code, signal)), LAST_WORDS_MS);
        this.#process.on('close', () => {
          clearTimeout(timer);
          resolve(describe(code, signal));
        });
      });
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** What it said last. */
  get lastLines(): string {
    return this.#tail.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }

  failure(how: string): Failure {
    return {
      code: 'WORKER_EXITED',
      message: `worker ${this.workerId} ${how}`,
      hint: `its log is ${this.#logPath}`,
      detail: this.lastLines,
      kind: 'lost',
    };
  }

  /** The whole group, so that nothing that the agent started outlives it. */
  kill(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The group has ended by itself.
    }
  }

  #keep(chunk: Buffer): void {
    this.#tail = (this.#tail + chunk.toString('utf8')).slice(-TAIL_CHARACTERS);
    if (this.#isLogBroken) return;
    try {
      const size = statSync(this.#logPath, { throwIfNoEntry: false })?.size ?? 0;
      if (size > LOG_BYTES) renameSync(this.#logPath, `${this.#logPath}.1`);
      appendFileSync(this.#logPath, chunk, { mode: 0o600 });
    } catch {
      this.#isLogBroken = true; // a full disk shows elsewhere; a worker must not end for its log
    }
  }
}

function describe(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === null) return `ended with exit code ${code}`;
  return `was ended by signal ${constants.signals[signal]} (${signal})`;
}
