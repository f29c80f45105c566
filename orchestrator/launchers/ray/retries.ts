/** Again, when the cluster may answer the next time: a few times, at growing intervals, never in step with others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RayError } from './ray-error.js';

/** Waits before the try after so many failed ones. */
export type Pause = (failures: number) => Promise<void>;

const TRIES = 4;
const FIRST_MS = 200;
const LONGEST_LOOK_MS = 1_000;
const FIRST_FAILED_MS = 2_000;
const LONGEST_UNREACHED_MS = 10_000;
const LONGEST_FAILED_MS = 60_000;

export function jittered(random: () => number = Math.random): Pause {
  return async (failures) => {
    await sleep(FIRST_MS * 2 ** (failures - 1) * (0.5 + random()));
  };
}

/** Between two looks at what is on its way: soon, and then about every second. */
export function steadily(random: () => number = Math.random): Pause {
  return async (looks) => {
    await sleep(lookDelayMs(looks, random()));
  };
}

export function lookDelayMs(looks: number, random: number): number {
  return Math.min(LONGEST_LOOK_MS, FIRST_MS * 1.5 ** (looks - 1)) * (0.75 + random / 2);
}

/**
 * Until a cluster is looked at again that could not be. One that does not answer is not disturbed by that, and whoever
 * waits for it wants to know soon when it does.
 */
export function failedLookDelayMs(failures: number, isUnreachable: boolean, random: number): number {
  const longestMs = isUnreachable ? LONGEST_UNREACHED_MS : LONGEST_FAILED_MS;
  return Math.min(longestMs, FIRST_FAILED_MS * 2 ** (failures - 1)) * (0.5 + random);
}

/** Throws what the last try has thrown. */
export async function withRetries<T>(pause: Pause, attempt: () => Promise<T>, tries = TRIES): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (reason) {
      const mayChange = reason instanceof RayError && reason.kind === 'unreachable';
      if (!mayChange || failures >= tries) throw reason;
      await pause(failures);
    }
  }
}
