/** Who may do what with the files of a store. */
import { SweepError } from '../core/errors.js';
import { mayAct } from '../core/roles.js';
import type { Call, Identities } from './identities.js';

export type StoreAccess = 'none' | 'read' | 'write';

export interface StoreAccessParts {
  readonly identities: Identities;
  /** Of workers that come by this port. */
  readonly needsCertificate: boolean;
  /** Whether a worker of this pool has the name, and a lease on the trial. */
  readonly holds: (workerId: string, pool: string, trialId: string) => boolean;
}

/** Metadata that says which of a pool's workers calls. */
export const WORKER_ID_KEY = 'dss-worker-id';

/**
 * What trials read is for whoever may submit, and for every worker to read. A trial's own files are for the worker that
 * holds its lease, for as long as it does. The lease's token stays on the stream: an attempt that was lost can bring no
 * file in another one's place, since a file's name is what is in it; which files are a checkpoint is said on the
 * stream, with the token.
 *
 * @throws SweepError AUTH_INVALID
 */
export function storeAccessOf(
  call: Call,
  scope: string,
  { identities, needsCertificate, holds }: StoreAccessParts,
): StoreAccess {
  const visitor = identities.visitorOf(call, needsCertificate);
  if (visitor.kind === 'person') return scope === '' && mayAct(visitor.caller.role, 'submit') ? 'write' : 'none';
  if (scope === '') return 'read';
  const workerId = String(call.metadata.get(WORKER_ID_KEY)[0] ?? '');
  return holds(workerId, visitor.pool, scope) ? 'write' : 'none';
}

/** What a trial has kept is for whoever may look at sweeps. @throws SweepError AUTH_INVALID, NOT_ALLOWED */
export function mustBePerson(call: Call, { identities, needsCertificate }: StoreAccessParts): void {
  if (identities.visitorOf(call, needsCertificate).kind === 'person') return;
  throw new SweepError('NOT_ALLOWED', 'what trials have kept is not for workers', {
    hint: '`dss export` takes a token of `dss auth token create`',
  });
}
