/** A real `dss sweep` that dies where it hurts most, and the same command again. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { type Finished, runDss, temporaryFolder } from '../support/dss.js';
import { isAlive } from '../support/processes.js';
import { ScriptedPython } from '../support/scripted-python.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';
import { until } from '../support/until.js';

const TRIALS = 4;

describe('a sweep whose control plane', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let python: ScriptedPython;
  let home: string;
  let file: string;

  beforeEach(() => {
    folder = temporaryFolder();
    python = new ScriptedPython(folder.path);
    home = join(folder.path, 'home');
    file = writeTinySweep(folder.path, { seeds: [0, 1] });
  });

  afterEach(() => folder[Symbol.dispose]());

  const run = (failpoints = ''): Promise<Finished> => {
    const env = { ...python.env, DSS_HOME: home, DSS_DATASETS: DATASETS, DSS_FAILPOINT: failpoints };
    return runDss(['sweep', file, '--workers', '1'], { env });
  };

  /** Its workers have ended: nobody waits for a fenced process. */
  const nobodyIsLeft = async () => {
    await until(() => !python.pids.some(isAlive));
  };

  function checkComplete(): void {
    const check = checkDatabase(home);
    assert.deepEqual(check?.findings.map(describeFinding), []);
    const journal = openJournalReader(home);
    const records = [...(journal?.trials('tiny') ?? [])];
    assert.deepEqual(new Set(records.map(({ state }) => state)), new Set(['succeeded']));
    assert.equal(records.length, TRIALS);
    for (const { trial, attempts, result } of records) {
      assert.equal(result?.testAccuracy, (trial.settings.seed + 1) / 10);
      assert.ok(attempts <= 2, `trial ${trial.trialId} took ${attempts} attempts`);
      assert.ok((python.begun.get(trial.trialId) ?? 0) <= attempts, 'an attempt was begun twice');
    }
    journal?.close();
  }

  const kills = [
    'submit-part:sigkill',
    'before-lock-announce:sigkill',
    'before-launch:sigkill',
    'after-launch:sigkill',
    'before-commit:sigkill:3',
    'after-commit:sigkill:3',
    'before-acknowledge:sigkill:2',
    'after-acknowledge:sigkill:2',
    'log-append:sigkill:2',
  ];
  for (const failpoint of kills) {
    it(`is killed at ${failpoint} goes on with the same command, and runs nothing that was finished`, async () => {
      const killed = await run(failpoint);
      assert.equal(killed.signal, 'SIGKILL', `${killed.code}: ${killed.stderr}`);
      await nobodyIsLeft();
      const again = await run();
      assert.equal(again.code, 0, again.stderr);
      checkComplete();
    });
  }

  for (const [failpoint, status] of [
    ['before-commit:eio:3', 1],
    ['after-commit:eio:3', 1],
    ['before-commit:enospc:2', 75],
  ] as const) {
    it(`cannot write (${failpoint}) ends at once with the reason, leaves no worker, and goes on later`, async () => {
      const failed = await run(failpoint);
      assert.equal(failed.code, status, failed.stderr);
      assert.match(failed.stderr, /the journal could not be written: E(IO|NOSPC)/);
      assert.match(failed.stderr, /nothing acknowledged is lost/);
      assert.doesNotMatch(failed.stderr, /"level":50/, 'it is said once, in words');
      assert.equal(/^ +at /m.test(failed.stderr), status === 1, 'a stack helps nobody to make room');
      await nobodyIsLeft();
      const again = await run();
      assert.equal(again.code, 0, again.stderr);
      checkComplete();
    });
  }

  it('cannot write log lines goes on without them', async () => {
    const { code, stderr } = await run('log-append:enospc');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /log lines could not be written/);
    checkComplete();
  });

  it('stands still for a while loses nobody', async () => {
    const { code, stderr } = await run('before-commit:delay=1500:3');
    assert.equal(code, 0, stderr);
    checkComplete();
    for (const attempts of python.begun.values()) assert.equal(attempts, 1);
  });

  it('is told to fail where nothing is says so before anything starts', async () => {
    const { code, stderr } = await run('befor-commit:sigkill');
    assert.equal(code, 2, stderr);
    assert.match(stderr, /there is no failpoint "befor-commit"\n {2}points: before-commit, after-commit/);
    assert.equal(python.pids.length, 0);
  });
});
