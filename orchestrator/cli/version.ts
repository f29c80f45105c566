/** Which dss this is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './python.js';

export function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}
