import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from '../support/dss.js';

const TRIES = 15;
/** A few seconds, and a fifth more by chance. */
const LONGEST_WAIT_MS = 3_600;

describe('a client whose server is away', () => {
  it('tries again every few seconds, however long that lasts', async () => {
    const script = join(REPOSITORY, 'test/support/lone-client.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, String(TRIES)]);
    const waits: readonly number[] = JSON.parse(stdout);
    const longest = Math.max(...waits);
    assert.ok(longest > 1_000 && longest <= LONGEST_WAIT_MS, waits.join());
  });
});
