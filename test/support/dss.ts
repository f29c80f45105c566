/** Runs the real command line in a process of its own, as a person would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = join(REPOSITORY, 'orchestrator/cli/main.ts');
/** By its address, since a bare name is looked up from the working directory. */
const TSX = import.meta.resolve('tsx');
/** `dss`, from its sources. */
export const COMMAND: readonly string[] = [process.execPath, '--import', TSX, MAIN];

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Of another installation; else that of these sources. */
  readonly main?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface RunningDss {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly finished: Promise<Finished>;
  /** Resolves with the first stderr line that a predicate accepts; rejects when the process ends before. */
  lineOnStderr(accepts: (line: string) => boolean): Promise<string>;
}

/** Starts `dss`; its process group is its own, so that a test's signals reach nothing else. */
export function startDss(args: readonly string[], options: RunOptions = {}): RunningDss {
  const child = spawn(process.execPath, ['--import', TSX, options.main ?? MAIN, ...args], {
    cwd: options.cwd ?? REPOSITORY,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    for (const look of waiting) look();
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  if (child.pid === undefined) throw new Error('dss did not start');
  return {
    process: child,
    pid: child.pid,
    finished,
    lineOnStderr: (accepts) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = stderr.split('\n').find(accepts);
          if (line === undefined) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
        look();
        void finished.then((end) => reject(new Error(`dss ended (${end.code ?? end.signal}) first:\n${end.stderr}`)));
      }),
  };
}

export function runDss(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return startDss(args, options).finished;
}

/** A folder that is gone after the test. */
export function temporaryFolder(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'dss-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
