/** What goes wrong with a Ray cluster, by what can be done about it. */
import { type ErrorCode, SweepError } from '../../core/errors.js';

export type RayErrorKind =
  /** It may answer the next time. */
  | 'unreachable'
  /** It does not take our token. */
  | 'refused'
  /** It says that the request is wrong. */
  | 'invalid'
  /** It is no Ray that we know how to speak to. */
  | 'untested'
  /** The package cannot be loaded there, or its answer not read. */
  | 'broken';

const CODES: Readonly<Record<RayErrorKind, ErrorCode>> = {
  unreachable: 'UNAVAILABLE',
  refused: 'NOT_ALLOWED',
  invalid: 'WORKERS_FAILED',
  untested: 'VERSION_DIFFERS',
  broken: 'WORKERS_FAILED',
};

export class RayError extends Error {
  override readonly name = 'RayError';
  readonly kind: RayErrorKind;
  readonly hint: string;

  constructor(kind: RayErrorKind, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.kind = kind;
    this.hint = options.hint ?? '';
  }

  toSweepError(): SweepError {
    return new SweepError(CODES[this.kind], this.message, { hint: this.hint, cause: this });
  }
}

/** Anything thrown, as what a person is told. */
export function sweepErrorOf(reason: unknown): SweepError {
  return reason instanceof RayError ? reason.toSweepError() : SweepError.from(reason);
}
