/** `dss status` where no control plane runs: what it must not pass over in silence. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { COMMAND, REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { trialOf } from '../support/records.js';

const TRIALS = (['opus', 'haiku'] as const).map((llm) => trialOf({ llm }));
const GOES_ON = 'no control plane runs killed, so nothing happens: `dss serve` or `dss sweep FILE` goes on with it';

describe('dss status without a control plane', () => {
  const folder = temporaryFolder();
  const home = join(folder.path, 'home');
  const run = async (...words: string[]) => {
    const { code, stdout, stderr } = await runDss(['status', ...words, '--home', home]);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  before(() => {
    const journal = openJournal(home);
    journal.transaction(() => journal.submit(partOf('killed', [], { trials: TRIALS }), 1_000));
    journal.transaction(() => journal.begin(TRIALS[0]?.trialId ?? '', 'w', 2_000));
    journal.close();
  });
  after(() => folder[Symbol.dispose]());

  it('says that nothing goes on with what is not finished, and how to go on', async () => {
    const stdout = await run();
    assert.match(stdout, /^sweep +trials +done +interrupted +waiting /m);
    assert.match(stdout, /^killed +2 +0 +1 +1 /m);
    assert.ok(stdout.endsWith(`\n\n${GOES_ON}\n`), stdout);
  });

  it('shows what was running as interrupted, and says so of one sweep too', async () => {
    const stdout = await run('killed');
    const id = TRIALS[0]?.trialId.slice(0, 8);
    assert.match(stdout, new RegExp(`^${id} interrupted .* llm opus seed 0, attempt 1$`, 'm'));
    assert.doesNotMatch(stdout, /running/);
    assert.ok(stdout.endsWith(`\n\n${GOES_ON}\n`), stdout);
  });

  it('tells scripts that there is none', async () => {
    for (const words of [[], ['killed']]) {
      assert.equal(JSON.parse(await run(...words, '--json')).control_plane, null);
    }
  });

  it('names the folder in which nothing has run', async () => {
    const empty = join(folder.path, 'empty');
    const { code, stdout } = await runDss(['status', '--home', empty]);
    assert.deepEqual([code, stdout], [0, `no sweep has run yet with the state folder ${empty}\n`]);
  });

  it('does not take a folder that may not be read for an empty one', () => {
    const hidden = join(folder.path, 'hidden');
    mkdirSync(hidden);
    chmodSync(hidden, 0);
    chmodSync(folder.path, 0o755);
    // Root may read everything.
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const [program = '', ...rest] = [...COMMAND, 'status', '--home', hidden];
    const env = { ...process.env, TMPDIR: '/tmp', NO_COLOR: '1' };
    const { status, stdout, stderr } = spawnSync(program, rest, { ...user, env, cwd: REPOSITORY, encoding: 'utf8' });
    chmodSync(hidden, 0o700);
    assert.deepEqual([status, stdout], [2, ''], stderr);
    assert.match(stderr, /^error: .*hidden\/journal\.db: permission denied\n {2}run it as the user whose file that is/);
  });
});
