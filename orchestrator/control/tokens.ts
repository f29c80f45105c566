/** Bearer tokens: who may speak to which service. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Metadata, status } from '@grpc/grpc-js';
import type { Random } from './clock.js';
import type { Status } from './status.js';

export function newToken(random: Random): string {
  return Buffer.from(random.bytes(32)).toString('base64url');
}

export function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

/** In constant time: digests have one length, whatever was sent. */
export function isAuthorized(metadata: Metadata, token: string): boolean {
  const sent = String(metadata.get('authorization')[0] ?? '');
  return timingSafeEqual(digest(sent), digest(`Bearer ${token}`));
}

export function unauthenticated(): Status {
  return { code: status.UNAUTHENTICATED, details: 'the token is missing or wrong', metadata: new Metadata() };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
