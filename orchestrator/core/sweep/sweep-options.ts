/** How a sweep stands beside others, where it runs, and when it is to stop by itself. */
import { type JsonValue, LOCAL, type Place } from './place.js';

/** Reaching one of these pauses the sweep. `null`: no limit. */
export interface Budget {
  /** Hours since its first trial was lent after it was submitted or resumed. */
  readonly wallHours: number | null;
  /** Hours of attempts times devices, ended ones and running ones, since it was submitted or resumed. */
  readonly deviceHours: number | null;
  /** Trials that have failed for good since it was submitted or resumed. */
  readonly failedTrials: number | null;
}

/** On both sides of 0. */
export const MAX_PRIORITY = 100;
export const MAX_WEIGHT = 1_000;

export interface SweepOptions {
  /** -100 to 100; the highest goes first. */
  readonly priority: number;
  /** Above 0 and at most 1,000: its share beside sweeps of the same priority. */
  readonly weight: number;
  readonly budget: Budget;
  readonly place: Place;
  /** The comparisons that its file declares before the run; `null`: none. */
  readonly compare: JsonValue;
}

/** `paused` by a person or by its budget. */
export type SweepState = 'active' | 'paused' | 'cancelled';

/** What the journal keeps of a sweep besides its trials. */
export interface SweepStanding {
  readonly state: SweepState;
  /** Why it is paused; else empty. */
  readonly reason: string;
  /** Who submitted it; empty: the owner of the state folder. */
  readonly owner: string;
  readonly options: SweepOptions;
  /** When `options.compare` became what it is: the same again declares nothing anew. */
  readonly declaredAtUnixMs: number;
}

export const NO_BUDGET: Budget = { wallHours: null, deviceHours: null, failedTrials: null };
export const DEFAULT_SWEEP_OPTIONS: SweepOptions = {
  priority: 0,
  weight: 1,
  budget: NO_BUDGET,
  place: LOCAL,
  compare: null,
};
