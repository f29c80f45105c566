/**
 * Errors that people and programs can act on: a code for machines, a message for people, a hint for
 * the next step. What we expect to go wrong in a trial is data (`Failure`), not an exception.
 */
import { diskTroubleOf } from './disk-trouble.js';

/** Every code a command may end with, and the exit status it gives. 2: wrong use; 75: try again; 1: the rest. */
export const EXIT_STATUS = {
  SPEC_INVALID: 2,
  USAGE: 2,
  CELLS_REJECTED: 2,
  GRID_TOO_LARGE: 2,
  SWEEP_UNKNOWN: 2,
  SWEEP_CHANGED: 2,
  VERSION_DIFFERS: 2,
  NOT_ALLOWED: 2,
  AUTH_INVALID: 2,
  TRIAL_UNKNOWN: 2,
  TRIAL_UNFINISHED: 2,
  NOTHING_KEPT: 2,
  DATASET_MISSING: 2,
  DATASET_INVALID: 2,
  MODEL_MISSING: 2,
  MODEL_INVALID: 2,
  DOES_NOT_FIT: 2,
  PLACE_ABSENT: 2,
  PYTHON_MISSING: 2,
  PACKAGE_MISSING: 2,
  STATE_HELD: 75,
  STATE_INVALID: 2,
  STORE_FULL: 75,
  DISK_FULL: 75,
  FILE_REFUSED: 2,
  PATH_INVALID: 2,
  STORE_MISMATCH: 2,
  STORE_MISSING: 2,
  LISTEN_REFUSED: 2,
  UNAVAILABLE: 75,
  TRIALS_FAILED: 1,
  WORKERS_FAILED: 1,
  INTERNAL: 1,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof EXIT_STATUS;

export class SweepError extends Error {
  override readonly name = 'SweepError';
  readonly code: ErrorCode;
  /** The next step; empty when there is none to offer. */
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.hint = options.hint ?? '';
  }

  /** For the catch at an edge: anything thrown becomes one of ours and keeps its cause. */
  static from(reason: unknown): SweepError {
    if (reason instanceof SweepError) return reason;
    const trouble = diskTroubleOf(reason);
    if (trouble !== null) return new SweepError(trouble.code, trouble.message, { hint: trouble.hint, cause: reason });
    const message = reason instanceof Error ? reason.message : String(reason);
    return new SweepError('INTERNAL', message, { cause: reason });
  }

  get exitStatus(): number {
    return EXIT_STATUS[this.code];
  }
}
