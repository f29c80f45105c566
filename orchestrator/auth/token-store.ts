/**
 * Tokens that were granted. Only their hashes are kept: SHA-256 suffices, since a token is 32 random bytes that nobody
 * can try out, unlike a password. A running control plane looks here at each call, so that a grant or a revocation
 * counts at once.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SweepError } from '../core/errors.js';
import { ROLES } from '../core/roles.js';
import { LAUNCHED_POOL } from '../core/sweep/place.js';
import { authPaths, writePrivate } from './auth-folder.js';

const Times = { createdAt: z.iso.datetime(), expiresAt: z.iso.datetime().nullable() };
const Grant = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('user'), user: z.string(), role: z.enum(ROLES), ...Times }),
  z.strictObject({ kind: z.literal('pool'), pool: z.string(), ...Times }),
]);

/** What a token is good for. Of a pool: to join as one of its workers. */
export type Grant = z.infer<typeof Grant>;
/** `id`: the beginning of the token's hash, by which it is told apart and revoked. */
export type GrantRecord = Grant & { readonly id: string };

/** Users and pools: they stand in tables and log lines. */
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;
const ID_LENGTH = 12;
const EXTENSION = '.json';

export class TokenStore {
  readonly #folder: string;

  constructor(home: string) {
    this.#folder = authPaths(home).tokens;
  }

  /** Gives the token, which can never be seen again. @throws SweepError USAGE */
  grant(grant: Grant): string {
    const name = grant.kind === 'user' ? grant.user : grant.pool;
    if (!NAME.test(name) && !(grant.kind === 'pool' && LAUNCHED_POOL.test(name))) {
      throw new SweepError('USAGE', `"${name}" is no name of a ${grant.kind}`, {
        hint: 'up to 40 of a-z, 0-9 and -, a letter or digit first',
      });
    }
    const token = randomBytes(32).toString('base64url');
    writePrivate(this.#path(hashOf(token)), `${JSON.stringify(grant)}\n`);
    return token;
  }

  /** `null`: nobody was granted it, or it was revoked. @throws SweepError AUTH_INVALID for a damaged file */
  look(token: string): Grant | null {
    return read(this.#path(hashOf(token)));
  }

  /** The oldest first. */
  list(): readonly GrantRecord[] {
    return this.#hashes()
      .flatMap((hash) => {
        const grant = read(this.#path(hash));
        return grant === null ? [] : [{ ...grant, id: hash.slice(0, ID_LENGTH) }];
      })
      .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  /** @throws SweepError USAGE for an id that is of none of that kind */
  revoke(kind: Grant['kind'], id: string): GrantRecord {
    const found = this.list().find((each) => each.kind === kind && each.id === id);
    const hash = found === undefined ? undefined : this.#hashes().find((each) => each.startsWith(id));
    if (found === undefined || hash === undefined) {
      const command = kind === 'user' ? 'dss auth token list' : 'dss auth pool list';
      throw new SweepError('USAGE', `there is no token "${id}" of a ${kind}`, {
        hint: `\`${command}\` shows their ids`,
      });
    }
    rmSync(this.#path(hash));
    return found;
  }

  #path(hash: string): string {
    return join(this.#folder, `${hash}${EXTENSION}`);
  }

  #hashes(): readonly string[] {
    try {
      const names = readdirSync(this.#folder).filter((name) => name.endsWith(EXTENSION));
      return names.map((name) => name.slice(0, -EXTENSION.length));
    } catch (reason) {
      if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw reason;
    }
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function read(path: string): Grant | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw reason;
  }
  try {
    return Grant.parse(JSON.parse(text));
  } catch (cause) {
    throw new SweepError('AUTH_INVALID', `${path} does not say what its token is good for`, {
      hint: 'delete it and grant another token',
      cause,
    });
  }
}
