/** What the web server answers when it refuses: the same code, message and hint as everywhere else, as JSON. */
import { SweepError } from '../core/errors.js';

export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;

  constructor(status: number, code: string, message: string, hint = '') {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }

  /** What nobody foresaw keeps its text to itself: it is in the log. */
  static from(reason: unknown): Refusal {
    if (reason instanceof Refusal) return reason;
    if (!(reason instanceof SweepError)) return new Refusal(500, 'INTERNAL', 'internal error');
    return new Refusal(STATUS[reason.code] ?? 500, reason.code, reason.message, reason.hint);
  }

  toResponse(headers: Readonly<Record<string, string>> = {}): Response {
    const { code, message, hint } = this;
    return Response.json({ error: { code, message, hint } }, { status: this.status, headers });
  }
}

const STATUS: Readonly<Record<string, number>> = {
  SWEEP_UNKNOWN: 404,
  TRIAL_UNKNOWN: 404,
  USAGE: 409,
  UNAVAILABLE: 503,
  AUTH_INVALID: 401,
  NOT_ALLOWED: 403,
};
