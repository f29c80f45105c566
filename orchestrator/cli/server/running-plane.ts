/** The control plane that holds a state folder, if one runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What its file says. */
export interface RunningPlane {
  readonly pid: number;
  readonly host: string;
  readonly address: string;
  readonly clientToken: string;
  readonly serves: boolean;
}

/** `null`: none. A file that a killed one left behind counts as none. */
export async function findRunningPlane(home: string): Promise<RunningPlane | null> {
  let text: string;
  try {
    text = await readFile(join(home, 'control.json'), 'utf8');
  } catch {
    return null;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // being written at this moment, or cut short by a crash
  }
  return isControlFile(value) && isAlive(value.pid) ? value : null;
}

/** By hand: a schema library is more to load than all else that `dss status` needs. */
function isControlFile(value: unknown): value is RunningPlane {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, host, address, clientToken, serves } = value as Readonly<Record<string, unknown>>;
  const areTexts = [host, address, clientToken].every((each) => typeof each === 'string');
  return Number.isSafeInteger(pid) && (pid as number) > 0 && areTexts && typeof serves === 'boolean';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
