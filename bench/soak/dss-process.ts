/** A `dss` process of the soak, from its sources, in a group of its own; what it says goes to a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { COMMAND } from '../../test/support/dss.js';
import { DATASETS } from '../../test/support/tiny-sweep.js';

export class DssProcess {
  readonly pid: number;
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;
  readonly #log: string;

  constructor(words: readonly string[], { home, log }: { readonly home: string; readonly log: string }) {
    const [program = '', ...args] = [...COMMAND, ...words];
    const file = openSync(log, 'a');
    this.#process = spawn(program, args, {
      env: { ...process.env, NO_COLOR: '1', DSS_HOME: home, DSS_DATASETS: DATASETS },
      stdio: ['ignore', 'pipe', file],
      detached: true,
    });
    closeSync(file);
    this.#log = log;
    this.pid = this.#process.pid ?? 0;
    this.ended = new Promise((resolve) => this.#process.once('close', () => resolve()));
  }

  /** The first line of its output. */
  firstLine(): Promise<string> {
    return new Promise((resolve, reject) => {
      const { stdout } = this.#process;
      if (stdout !== null) createInterface({ input: stdout }).once('line', resolve);
      void this.ended.then(() => reject(new Error(`dss ended at its start:\n${readFileSync(this.#log, 'utf8')}`)));
    });
  }

  /** To it alone. Nothing where it has ended. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}
