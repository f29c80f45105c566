/** Our errors ↔ gRPC's: the code and the hint travel as metadata, the message as the details. */
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, EXIT_STATUS, SweepError } from '../core/errors.js';
import { WireError } from '../wire/codec.js';
import { tlsFailureOf } from './channel.js';

const CODE_KEY = 'dss-code';
/** Binary, since a hint may hold any character. */
const HINT_KEY = 'dss-hint-bin';

export interface Status {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** What nobody foresaw keeps its text to itself: it is in the log. */
export function statusOf(reason: unknown): Status {
  const metadata = new Metadata();
  if (reason instanceof WireError) return { code: status.INVALID_ARGUMENT, details: reason.message, metadata };
  if (!(reason instanceof SweepError)) return { code: status.INTERNAL, details: 'internal error', metadata };
  metadata.set(CODE_KEY, reason.code);
  metadata.set(HINT_KEY, Buffer.from(reason.hint));
  return { code: grpcCodeOf(reason.code), details: reason.message, metadata };
}

function grpcCodeOf(code: ErrorCode): status {
  switch (code) {
    case 'SWEEP_UNKNOWN':
    case 'TRIAL_UNKNOWN':
    case 'STORE_MISSING':
      return status.NOT_FOUND;
    case 'UNAVAILABLE':
    case 'STATE_HELD':
      return status.UNAVAILABLE;
    case 'USAGE':
    case 'SPEC_INVALID':
    case 'STORE_MISMATCH':
      return status.INVALID_ARGUMENT;
    case 'STORE_FULL':
      return status.RESOURCE_EXHAUSTED;
    case 'SWEEP_CHANGED':
      return status.FAILED_PRECONDITION;
    case 'AUTH_INVALID':
      return status.UNAUTHENTICATED;
    case 'NOT_ALLOWED':
      return status.PERMISSION_DENIED;
    default:
      return status.INTERNAL;
  }
}

export function errorOf(reason: unknown): SweepError {
  if (!isServiceError(reason)) return SweepError.from(reason);
  const code = String(reason.metadata.get(CODE_KEY)[0] ?? '');
  if (Object.hasOwn(EXIT_STATUS, code)) {
    const hint = reason.metadata.get(HINT_KEY)[0];
    return new SweepError(code as ErrorCode, reason.details, { hint: hint?.toString() ?? '', cause: reason });
  }
  const tls = reason.code === status.UNAVAILABLE ? tlsFailureOf(reason.details) : null;
  if (tls !== null) {
    return new SweepError('AUTH_INVALID', `the control plane is not trusted: ${tls.message}`, {
      hint: tls.hint,
      cause: reason,
    });
  }
  // Whoever cancels here hears nothing of it: it was the other end, as one does that is ended in the middle of a stream.
  if (reason.code === status.UNAVAILABLE || reason.code === status.CANCELLED) {
    return new SweepError('UNAVAILABLE', `the control plane does not answer: ${reason.details}`, {
      hint: 'it may have just ended; run the command again',
      cause: reason,
    });
  }
  return new SweepError('INTERNAL', reason.details, { cause: reason });
}

function isServiceError(reason: unknown): reason is ServiceError {
  return reason instanceof Error && 'details' in reason && 'metadata' in reason && reason.metadata instanceof Metadata;
}
