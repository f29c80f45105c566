/** Who a call is from, and whether they may make it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import type { Metadata } from '@grpc/grpc-js';
import type { Grant } from '../auth/token-store.js';
import { SweepError } from '../core/errors.js';
import { type Caller, mayAct, type Role } from '../core/roles.js';
import { ClientServiceService } from '../wire/generated/dss/v1/client.js';

/** What every kind of gRPC call has. */
export interface Call {
  readonly metadata: Metadata;
  getPath(): string;
  /** Names the peer's certificate when it sent one that holds. */
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate } | null;
}

export interface IdentityParts {
  /** Of the state folder's owner, made anew in each life. */
  readonly clientToken: string;
  /** Of workers that the owner of the state folder starts. */
  readonly joinToken: string;
  /** Tokens that were granted: what one is good for, `null` for nothing. */
  readonly look: (token: string) => Grant | null;
  readonly nowUnixMs: () => number;
}

/** What an RPC needs. An RPC without a role does not compile. */
export const ROLE_OF: Readonly<Record<keyof typeof ClientServiceService, Role>> = {
  info: 'read',
  list: 'read',
  standing: 'read',
  findTrials: 'read',
  trials: 'read',
  measurements: 'read',
  watch: 'read',
  logs: 'read',
  submit: 'submit',
  retry: 'submit',
  pause: 'submit',
  resume: 'submit',
  cancel: 'submit',
  stop: 'admin',
};

const NEEDED = new Map<string, Role>(
  Object.entries(ClientServiceService).map(([rpc, { path }]) => [path, ROLE_OF[rpc as keyof typeof ROLE_OF]]),
);

export type Visitor =
  | { readonly kind: 'person'; readonly caller: Caller }
  | { readonly kind: 'worker'; readonly pool: string };

/** Pools of workers that no token names. */
const OWN_POOL = '';

export class Identities {
  readonly #parts: IdentityParts;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
  }

  /** @throws SweepError AUTH_INVALID for a token that is good for nothing, NOT_ALLOWED for one that is not enough */
  callerOf(call: Call): Caller {
    const caller = this.#personOf(call.metadata);
    const needed = NEEDED.get(call.getPath()) ?? 'admin';
    if (mayAct(caller.role, needed)) return caller;
    const rpc = call.getPath().replace(/^.*\//, '');
    throw new SweepError('NOT_ALLOWED', `${rpc} needs role ${needed}; the token of ${caller.user} has ${caller.role}`, {
      hint: `ask for one: dss auth token create --user ${caller.user} --role ${needed}`,
    });
  }

  /** Of a service that people and workers share. @throws SweepError AUTH_INVALID */
  visitorOf(call: Call, needsCertificate: boolean): Visitor {
    const token = tokenOf(call.metadata);
    const isPerson = isEqual(token, this.#parts.clientToken) || this.#granted(token)?.kind === 'user';
    return isPerson
      ? { kind: 'person', caller: this.#personOf(call.metadata) }
      : { kind: 'worker', pool: this.poolOf(call, needsCertificate) };
  }

  /** The pool of a worker that may join. @throws SweepError AUTH_INVALID */
  poolOf(call: Call, needsCertificate: boolean): string {
    const certificate = call.getAuthContext()?.sslPeerCertificate;
    const rejection = certificate === undefined ? rejectionOf(call) : null;
    if (rejection !== null || (needsCertificate && certificate === undefined)) {
      const what = rejection === null ? 'a worker needs a certificate here' : "the worker's certificate is not taken";
      throw new SweepError('AUTH_INVALID', `${what}: ${rejection ?? 'it sent none'}`, {
        hint: 'DSS_TLS_CERT and DSS_TLS_KEY name its files: worker.pem and worker.key of `dss auth init`',
      });
    }
    const token = tokenOf(call.metadata);
    // A certificate of our CA says as much as a token; one that is sent besides must hold all the same.
    if (token === '' && certificate !== undefined) return OWN_POOL;
    if (isEqual(token, this.#parts.joinToken)) return OWN_POOL;
    const grant = this.#granted(token);
    if (grant?.kind === 'pool') return grant.pool;
    throw grant === null
      ? unknownToken('DSS_JOIN_TOKEN_FILE names the file with a token of `dss auth pool create`')
      : new SweepError('AUTH_INVALID', `this is the token of a person, ${grant.user}`);
  }

  #personOf(metadata: Metadata): Caller {
    const token = tokenOf(metadata);
    if (isEqual(token, this.#parts.clientToken)) return { user: '', role: 'admin' };
    const grant = this.#granted(token);
    if (grant?.kind === 'user') return { user: grant.user, role: grant.role };
    throw unknownToken('DSS_TOKEN_FILE names the file with a token of `dss auth token create`');
  }

  #granted(token: string): Grant | null {
    const grant = token === '' ? null : this.#parts.look(token);
    if (grant === null || grant.expiresAt === null) return grant;
    if (Date.parse(grant.expiresAt) > this.#parts.nowUnixMs()) return grant;
    const whose = grant.kind === 'user' ? grant.user : `pool ${grant.pool}`;
    throw new SweepError('AUTH_INVALID', `the token of ${whose} expired on ${grant.expiresAt.slice(0, 10)}`, {
      hint: 'whoever keeps the state folder grants another: dss auth token create, or dss auth pool create',
    });
  }
}

function unknownToken(hint: string): SweepError {
  return new SweepError('AUTH_INVALID', 'the token is missing or wrong', { hint });
}

function tokenOf(metadata: Metadata): string {
  return String(metadata.get('authorization')[0] ?? '').replace(/^Bearer /, '');
}

/** In constant time: digests have one length, whatever was sent. */
function isEqual(sent: string, token: string): boolean {
  return timingSafeEqual(digest(sent), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** What TLS says of a client that sent no certificate. */
const NONE_SENT = 'UNABLE_TO_GET_ISSUER_CERT';

const REJECTIONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  INVALID_PURPOSE: 'it is not one for workers',
};

/** Why TLS did not take the peer's certificate. grpc-js keeps that to itself: where it moves, no reason is given. */
function rejectionOf(call: object): string | null {
  let place: unknown = call;
  for (const name of ['call', 'stream', 'session', 'socket', 'authorizationError']) {
    if (typeof place !== 'object' || place === null) return null;
    place = (place as Readonly<Record<string, unknown>>)[name];
  }
  if (typeof place !== 'string' || place === NONE_SENT) return null;
  return REJECTIONS[place] ?? `it is not of this control plane's CA (${place})`;
}
