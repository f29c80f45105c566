/** Bearer tokens, as they travel. */
import { Metadata } from '@grpc/grpc-js';
import type { Random } from './clock.js';

export function newToken(random: Random): string {
  return Buffer.from(random.bytes(32)).toString('base64url');
}

/** What cannot be guessed in the token of a lease. */
export function leaseChance(random: Random): number {
  return Buffer.from(random.bytes(4)).readUInt32BE() >>> 1;
}

export function bearer(token: string): Metadata {
  const metadata = new Metadata();
  if (token !== '') metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}
