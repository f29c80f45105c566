/** A program on a real pseudo-terminal, and the screen that a person would see. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { findPython } from '../../orchestrator/cli/python.js';
import { COMMAND, REPOSITORY } from './dss.js';
import { Screen } from './screen.js';

export interface TerminalOptions {
  readonly columns: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const ROWS = 24;

export class TestTerminal {
  readonly screen: Screen;
  /** All that was written, as it was. */
  written = '';
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], { columns, rows = ROWS, env }: TerminalOptions) {
    this.screen = new Screen(columns);
    const own = [join(REPOSITORY, 'test/support/pseudo_terminal.py'), String(columns), String(rows)];
    this.#child = spawn(findPython(), [...own, ...COMMAND, ...args], {
      env: { ...withoutCi(), TERM: 'xterm-256color', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const decoder = new StringDecoder('utf8');
    this.#child.stdout?.on('data', (bytes: Buffer) => {
      const text = decoder.write(bytes);
      this.written += text;
      this.screen.feed(text);
      for (const look of this.#waiting) look();
    });
    this.ended = new Promise((resolve) => this.#child.on('close', (code) => resolve(code)));
  }

  /** Until the screen is as wanted. */
  async shows(isWanted: (lines: readonly string[]) => boolean): Promise<readonly string[]> {
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!isWanted(this.screen.lines)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
      void this.ended.then(() => reject(new Error(`it ended with\n${this.screen.lines.join('\n')}`)));
    });
    return this.screen.lines;
  }

  resize(columns: number, rows = ROWS): void {
    this.screen.resize(columns);
    this.#tell({ columns, rows });
  }

  interrupt(): void {
    this.#tell({ keys: '\u0003' });
  }

  #tell(order: object): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.destroy();
    this.#child.kill();
    await this.ended;
  }
}

/** Where tests run, nobody looks at a terminal; here somebody does. */
function withoutCi(): NodeJS.ProcessEnv {
  const { CI: _1, NO_COLOR: _2, ...env } = process.env;
  return env;
}
