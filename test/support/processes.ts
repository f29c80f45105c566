/** What runs below a process, read from /proc: the tests kill real workers by it. Linux only. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

export function childrenOf(pid: number): readonly number[] {
  let tasks: string[];
  try {
    tasks = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return tasks.flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number));
}

function descendantsOf(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

export function commandLineOf(pid: number): readonly string[] {
  return read(`/proc/${pid}/cmdline`).split('\0');
}

export function isAlive(pid: number): boolean {
  const state = /^State:\s+(\S)/m.exec(read(`/proc/${pid}/status`))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** By SIGKILL. Of one that is not there `process.kill(0)` would be made, which ends the whole test run. */
export function killProcess(pid: number | undefined): void {
  assert.ok(pid !== undefined && pid > 0, 'the process that is to be killed is not there');
  process.kill(pid, 'SIGKILL');
}

/** Workers and training children below a `dss` process. */
export function workersBelow(pid: number): {
  readonly agents: readonly number[];
  readonly children: readonly number[];
} {
  const below = descendantsOf(pid);
  const running = (what: string) =>
    below.filter((each) => {
      const words = commandLineOf(each);
      const module = words.indexOf('dss_worker');
      return module > 0 && words[module + 1] === what;
    });
  return { agents: running('agent'), children: running('child') };
}
