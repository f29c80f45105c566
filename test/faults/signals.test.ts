import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { COMMAND, REPOSITORY, type RunningDss, startDss, temporaryFolder } from '../support/dss.js';
import { isAlive } from '../support/processes.js';
import { ScriptedPython } from '../support/scripted-python.js';
import { skip } from '../support/skip.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';
import { until } from '../support/until.js';

describe('a sweep that is told to stop', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let python: ScriptedPython;
  let env: Readonly<Record<string, string>>;
  let words: readonly string[];

  beforeEach(() => {
    folder = temporaryFolder();
    python = new ScriptedPython(folder.path);
    env = { ...python.env, DSS_HOME: join(folder.path, 'home'), DSS_DATASETS: DATASETS };
    words = ['sweep', writeTinySweep(folder.path, { seeds: [0] }), '--workers', '1'];
  });

  afterEach(() => folder[Symbol.dispose]());

  const start = () => startDss(words, { env: { ...env, SCRIPTED_AGENT_HOLDS: '1' } });
  const hasBegun = (dss: RunningDss) => dss.lineOnStderr((line) => line.includes('start'));

  async function checkGivenBack(): Promise<void> {
    await until(() => !python.pids.some(isAlive));
    const home = env['DSS_HOME'] ?? '';
    assert.deepEqual(checkDatabase(home)?.findings.map(describeFinding), []);
    const journal = openJournal(home);
    const records = [...journal.trials('tiny')];
    const spent = [...journal.standings('tiny')].map((standing) => standing.spent.lost);
    journal.close();
    assert.deepEqual(new Set(records.map(({ state }) => state)), new Set(['queued']));
    assert.deepEqual([...new Set(spent)], [0], 'what runs pays for being stopped');
  }

  async function checkGoesOn(): Promise<void> {
    const { code, stderr } = await startDss(words, { env }).finished;
    assert.equal(code, 0, stderr);
  }

  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`by ${signal} drains, shows until when, and ends with ${status}; the same command goes on`, async () => {
      const dss = start();
      await hasBegun(dss);
      process.kill(dss.pid, signal);
      const { code, stderr } = await dss.finished;
      assert.equal(code, status, stderr);
      assert.match(stderr, /stopping: running trials have until \d\d:\d\d:\d\d \(30 s\)/);
      assert.equal(python.drained, 1);
      await checkGivenBack();
      await checkGoesOn();
    });
  }

  it('by a terminal that closes drains as well, though it can tell nobody', async function () {
    const script = '/usr/bin/script';
    if (!existsSync(script)) skip(this, 'there is no `script` to make a terminal with');
    const terminal = spawn(script, ['-qefc', [...COMMAND, ...words].join(' '), '/dev/null'], {
      cwd: REPOSITORY,
      env: { ...process.env, ...env, SCRIPTED_AGENT_HOLDS: '1', TERM: 'xterm' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await until(() => python.begun.size > 0);
    const ended = once(terminal, 'close');
    terminal.kill('SIGKILL'); // and with it goes the terminal
    await ended;
    await until(() => python.drained > 0);
    await until(() => !existsSync(join(env['DSS_HOME'] ?? '', 'control.json')));
    await checkGivenBack();
    await checkGoesOn();
  });
});
