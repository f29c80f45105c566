import { homedir } from 'node:os';
import { join } from 'node:path';

/** A folder of the user's cache for what tests need and is long in the making; it may not be there. */
export function testCache(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dss', 'test', name);
}
