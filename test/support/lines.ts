/** A process that speaks in lines. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class LineProcess {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  #said = '';
  readonly ended: Promise<void>;

  constructor(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [program = '', ...args] = command;
    this.#process = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#said += chunk;
    });
    if (this.#process.stdout !== null) {
      createInterface({ input: this.#process.stdout }).on('line', (line) => {
        this.#lines.push(line);
        for (const look of this.#waiting) look();
      });
    }
    this.ended = new Promise((resolve) => this.#process.on('close', () => resolve()));
  }

  tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** The next line that is accepted; those before it are gone. Rejects when the process ends first. */
  next(accepts: (line: string) => boolean = () => true): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const place = this.#lines.findIndex(accepts);
        if (place < 0) return;
        this.#waiting.delete(look);
        resolve(this.#lines.splice(0, place + 1).at(-1) ?? '');
      };
      this.#waiting.add(look);
      look();
      void this.ended.then(() => reject(new Error(`the process ended first; it said:\n${this.#said}`)));
    });
  }

  async kill(): Promise<void> {
    try {
      process.kill(-(this.#process.pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended.
    }
    await this.ended;
  }
}
