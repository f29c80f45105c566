import { readdirSync, readFileSync } from 'node:fs';

const SIGTERM_BIT = 14n;

/** The first process of a pod on a process node, by its number on this machine: what the OOM killer would end. */
export function firstProcessOf(podUid: string): number {
  const found = findFirstProcess(podUid);
  if (found === null) throw new Error(`no process here is the first of the pod with uid ${podUid}`);
  return found;
}

/** `null`: it has none yet, or none any more. */
export function findFirstProcess(podUid: string): number | null {
  const found = readdirSync('/proc').find((pid) => {
    try {
      const isFirst = /^NSpid:\t\d+\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      // The layer above its root lies in the folder of its pod.
      return isFirst && readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(`/pods/${podUid}/`);
    } catch {
      return false; // no process, or one that ended meanwhile
    }
  });
  return found === undefined ? null : Number(found);
}

/** Whether it would end when it is told to: a first process that has no handler yet hears nothing, here as anywhere. */
export function hearsSigterm(podUid: string): boolean {
  try {
    const status = readFileSync(`/proc/${firstProcessOf(podUid)}/status`, 'utf8');
    const caught = BigInt(`0x${/^SigCgt:\t([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
    return ((caught >> SIGTERM_BIT) & 1n) === 1n;
  } catch {
    return false; // it has no process yet, or none any more
  }
}
