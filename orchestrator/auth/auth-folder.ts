/** `auth/` in the state folder: certificates and tokens. Nobody but its owner reads it. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface AuthPaths {
  readonly folder: string;
  /** Signs the others. Its certificate is what clients and workers are given; its key stays. */
  readonly ca: KeyPairPaths;
  readonly server: KeyPairPaths;
  /** For workers, where mutual TLS is wanted. */
  readonly worker: KeyPairPaths;
  /** One file for each token, under its hash: what is granted or revoked at the same time harms none. */
  readonly tokens: string;
}

export interface KeyPairPaths {
  readonly certificate: string;
  readonly key: string;
}

export function authPaths(home: string): AuthPaths {
  const folder = join(home, 'auth');
  const pair = (name: string) => ({ certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) });
  return {
    folder,
    ca: pair('ca'),
    server: pair('server'),
    worker: pair('worker'),
    tokens: join(folder, 'tokens'),
  };
}

export function hasCertificates(home: string): boolean {
  return existsSync(authPaths(home).server.certificate);
}

/** Whole or not at all, and never readable by others, not even while it is written. */
export function writePrivate(path: string, text: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}
