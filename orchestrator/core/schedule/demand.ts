/** What a sweep asks of the place that it runs in. */
import type { Place } from '../sweep/place.js';

export interface Demand {
  readonly sweep: string;
  readonly place: Place;
  /** Trials that could be lent if there were workers enough: now, or after a failure within seconds. */
  readonly waiting: number;
  readonly running: number;
  /** Of the widest of them: devices of a machine. */
  readonly devices: number;
  /** Of the widest of them: machines that train one model. */
  readonly machines: number;
  /** All of them by what each needs, the widest first; without it all are taken for as wide as the widest. */
  readonly needs?: readonly DemandedNeed[];
}

export interface DemandedNeed {
  readonly devices: number;
  readonly machines: number;
  readonly trials: number;
}

/** Trials that wait or run. */
export function trialsOf(demands: readonly Demand[]): number {
  return demands.reduce((sum, { waiting, running }) => sum + waiting + running, 0);
}

/** GPUs of a machine that the widest trial trains on. */
export function widestOf(demands: readonly Demand[]): number {
  return demands.reduce((most, { devices }) => Math.max(most, devices), 1);
}
