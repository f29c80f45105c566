/** What `dss auth token` and `dss auth pool` do. A token is shown when it is granted and never again. */
import { type Grant, TokenStore } from '../../auth/token-store.js';
import type { Role } from '../../core/roles.js';
import { resolveHome } from '../environment.js';
import { note, print, printJson } from '../output.js';
import { renderTable } from '../table.js';
import { daysOf } from './auth-certificates.js';

export interface GrantFlags {
  readonly days: number | undefined;
  readonly home: string | undefined;
  readonly json: boolean;
}

export type Grantee =
  | { readonly kind: 'user'; readonly user: string; readonly role: Role }
  | { readonly kind: 'pool'; readonly pool: string };

export function grantToken(grantee: Grantee, { days, home, json }: GrantFlags): number {
  const now = new Date();
  const expiresAt = days === undefined ? null : new Date(now.getTime() + daysOf(days) * 86_400_000).toISOString();
  const grant: Grant = { ...grantee, createdAt: now.toISOString(), expiresAt };
  const token = new TokenStore(resolveHome(home)).grant(grant);
  if (json) printJson({ token, ...grant });
  else print(token);
  const [variable, whose] =
    grantee.kind === 'user' ? ['DSS_TOKEN_FILE', grantee.user] : ['DSS_JOIN_TOKEN_FILE', 'its workers'];
  note(`it cannot be shown again: put it into a file that only ${whose} can read, and name that in ${variable}`);
  return 0;
}

export function listTokens(
  kind: Grant['kind'],
  { home, json }: { readonly home: string | undefined; readonly json: boolean },
): number {
  const tokens = new TokenStore(resolveHome(home)).list().filter((each) => each.kind === kind);
  if (json) printJson(tokens);
  else if (tokens.length === 0) print(`none; \`dss auth ${kind === 'user' ? 'token' : 'pool'} create\` grants one`);
  else print(renderTable({ columns: COLUMNS, rows: tokens.map(rowOf) }));
  return 0;

  function rowOf(grant: (typeof tokens)[number]): readonly string[] {
    const isOver = grant.expiresAt !== null && Date.parse(grant.expiresAt) <= Date.now();
    const [name, role] = grant.kind === 'user' ? [grant.user, grant.role] : [grant.pool, 'join'];
    const until = grant.expiresAt === null ? 'never' : `${grant.expiresAt.slice(0, 10)}${isOver ? ', expired' : ''}`;
    return [grant.id, name, role, grant.createdAt.slice(0, 10), until];
  }
}

const COLUMNS = ['id', 'name', 'role', 'granted', 'expires'].map((title) => ({ title, align: 'left' as const }));

export function revokeToken(
  kind: Grant['kind'],
  id: string,
  { home, json }: { readonly home: string | undefined; readonly json: boolean },
): number {
  const grant = new TokenStore(resolveHome(home)).revoke(kind, id);
  const whose = grant.kind === 'user' ? `of ${grant.user}` : `of the pool ${grant.pool}`;
  if (json) printJson({ revoked: grant });
  else print(`revoked ${id} ${whose}; a control plane that runs takes it no more`);
  return 0;
}
