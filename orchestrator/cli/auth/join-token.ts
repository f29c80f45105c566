/** The token that workers join with: a file that only its owner reads, the same in each life of a state folder. */
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SweepError } from '../../core/errors.js';

const NAME = 'join-token';
const TOKEN = /^[\w-]{43}$/;

export function joinTokenPath(home: string): string {
  return join(home, NAME);
}

/** Makes it when it is not there. */
export function keptJoinToken(home: string): string {
  const path = joinTokenPath(home);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path); // whoever comes second finds the first one's
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code !== 'EEXIST') throw reason;
  } finally {
    rmSync(draft, { force: true });
  }
  chmodSync(path, 0o600);
  return readJoinToken(path);
}

/** @throws SweepError AUTH_INVALID */
export function readJoinToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new SweepError('AUTH_INVALID', `the join token cannot be read: ${(cause as Error).message}`, {
      hint: '`dss serve` makes one in its state folder; DSS_JOIN_TOKEN_FILE names another file that holds it',
      cause,
    });
  }
  if (TOKEN.test(text)) return text;
  throw new SweepError('AUTH_INVALID', `${path} holds no join token: expected 43 letters, digits, - and _`, {
    hint: 'delete it and start `dss serve` again: it makes another',
  });
}
