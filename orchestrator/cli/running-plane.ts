/** The control plane that holds a state folder, if one runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const ControlFile = z.object({
  pid: z.number().int().positive(),
  host: z.string(),
  address: z.string(),
  clientToken: z.string(),
  serves: z.boolean(),
});

export type RunningPlane = z.infer<typeof ControlFile>;

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
  const parsed = ControlFile.safeParse(value);
  return parsed.success && isAlive(parsed.data.pid) ? parsed.data : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
