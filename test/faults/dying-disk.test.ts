import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { type RunningDss, runDss, startDss, temporaryFolder } from '../support/dss.js';
import { DyingDisk } from '../support/dying-disk.js';
import { skip } from '../support/skip.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

describe('a disk that fails below the journal', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let disk: DyingDisk | null;
  let running: RunningDss[];

  beforeEach(() => {
    folder = temporaryFolder();
    disk = null;
    running = [];
  });

  afterEach(async () => {
    for (const { process } of running) process.kill('SIGKILL');
    await Promise.all(running.map(({ finished }) => finished));
    disk?.[Symbol.dispose]();
    folder[Symbol.dispose]();
  });

  it('ends `dss serve` at once, says so, and the next one goes on with all that was acknowledged', async function () {
    mkdirSync(join(folder.path, 'disk'));
    disk = DyingDisk.mount(join(folder.path, 'disk'), 32 * 2 ** 20);
    if (disk === null) skip(this, 'a disk that can fail needs root and loop devices on Linux');
    const home = join(disk.path, 'home');
    const env = { DSS_HOME: home, DSS_DATASETS: DATASETS };
    const serve = async (): Promise<RunningDss> => {
      const dss = startDss(['serve', '--listen', '127.0.0.1:0'], { env });
      running.push(dss);
      await dss.lineOnStderr((line) => line.includes('dss worker'));
      return dss;
    };
    const submit = (name: string) => runDss(['sweep', writeTinySweep(folder.path, { name }), '--detach'], { env });

    const first = await serve();
    const acknowledged = await submit('acknowledged');
    assert.equal(acknowledged.code, 0, acknowledged.stderr);
    disk.die();
    const refused = await submit('refused');
    assert.notEqual(refused.code, 0);
    const { code, stderr } = await first.finished;
    assert.notEqual(code, 0);
    assert.match(stderr, /the journal could not be written: disk I\/O error/);

    disk.revive();
    await serve();
    const journal = openJournalReader(home);
    const sweeps = journal?.sweeps().map(({ sweep, counts }) => [sweep, counts.queued]);
    journal?.close();
    assert.deepEqual(sweeps, [['acknowledged', 4]]);
    assert.deepEqual(checkDatabase(home)?.findings.map(describeFinding), []);
  });
});
