/** What a sweep may use up, against what it has. */
import type { Budget } from '../sweep/sweep-options.js';

/** Since it was submitted, or last made active again. */
export interface Used {
  /** From the moment when the first of its trials was lent. */
  readonly wallMs: number;
  /** Attempts times devices, ended ones and running ones. */
  readonly deviceMs: number;
  /** For good. */
  readonly failedTrials: number;
}

const HOUR_MS = 3_600_000;

export function hasLimit({ wallHours, deviceHours, failedTrials }: Budget): boolean {
  return wallHours !== null || deviceHours !== null || failedTrials !== null;
}

/** In words, which limit is reached; `null`: none is. */
export function limitReached({ wallHours, deviceHours, failedTrials }: Budget, used: Used): string | null {
  if (wallHours !== null && used.wallMs >= wallHours * HOUR_MS) {
    return `its budget of ${hours(wallHours, 'hour')} of wall time is used up`;
  }
  if (deviceHours !== null && used.deviceMs >= deviceHours * HOUR_MS) {
    return `its budget of ${hours(deviceHours, 'device hour')} is used up`;
  }
  if (failedTrials !== null && used.failedTrials >= failedTrials) {
    const trials = used.failedTrials === 1 ? '1 trial has' : `${used.failedTrials} trials have`;
    return `${trials} failed, and its budget allows ${failedTrials}`;
  }
  return null;
}

/**
 * How long until time alone reaches a limit; `null`: it never does.
 *
 * @param running devices that its attempts keep busy; the wall clock runs as soon as it has begun to use time
 */
export function msToLimit(
  { wallHours, deviceHours }: Budget,
  used: Used,
  running: number,
  hasBegun: boolean,
): number | null {
  const times: number[] = [];
  if (wallHours !== null && hasBegun) times.push(wallHours * HOUR_MS - used.wallMs);
  if (deviceHours !== null && running > 0) times.push((deviceHours * HOUR_MS - used.deviceMs) / running);
  return times.length === 0 ? null : Math.max(0, Math.min(...times));
}

function hours(count: number, unit: string): string {
  return `${count.toLocaleString('en', { maximumFractionDigits: 3 })} ${unit}${count === 1 ? '' : 's'}`;
}
