import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { runDss, temporaryFolder } from '../support/dss.js';
import { BROKEN, STANDARD, STEP_BY_STEP, WAITING, writeMethodsSweep } from '../support/methods-sweep.js';

describe('commands that look at a state folder', () => {
  const folder = temporaryFolder();
  const run = (...words: string[]) =>
    runDss(words, { env: { DSS_HOME: folder.path, DSS_DATASETS: join(folder.path, 'no-data') } });
  before(() => writeMethodsSweep(folder.path));
  after(() => folder[Symbol.dispose]());

  it('list sweeps with the numbers of their trials', async () => {
    const { code, stdout } = await run('status');
    assert.equal(code, 0);
    assert.match(stdout, /^methods +4 +2 +0 +1 +1 +0 +1970-01-01T00:00:01\.000Z$/m);
    const {
      sweeps: [sweep],
      workers,
      control_plane,
    } = JSON.parse((await run('status', '--json')).stdout);
    assert.deepEqual([workers, control_plane], [null, null]);
    assert.deepEqual(sweep.counts, { queued: 1, running: 0, succeeded: 2, failed: 1, cancelled: 0 });
  });

  it('bring a state folder of an older version up to date', async () => {
    using old = temporaryFolder();
    const db = new Database(join(old.path, 'journal.db'));
    db.exec(readFileSync(new URL('../journal/engine-1.sql', import.meta.url), 'utf8'));
    db.close();
    const { code, stdout } = await run('status', '--json', '--home', old.path);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout).sweeps[0].counts, {
      queued: 1,
      running: 0,
      succeeded: 1,
      failed: 1,
      cancelled: 0,
    });
  });

  it('say of one sweep what failed, on a line that steers no terminal', async () => {
    const { stdout } = await run('status', 'methods');
    const line = stdout.split('\n').find((each) => each.includes('failed a|'));
    assert.ok(
      line?.endsWith(
        'a|\\u001b[31mred cqa gt task_prefix seed 1, attempt 1: NON_FINITE_LOSS: the loss at step 3 is nan\\u0007',
      ),
      stdout,
    );
  });

  it('give all results in the shape that scripts rely on', async () => {
    const { code, stdout } = await run('results', 'methods', '--json');
    assert.equal(code, 0);
    const results = JSON.parse(stdout);
    assert.deepEqual(
      results.map(({ id, state, test_accuracy }: Record<string, unknown>) => [id, state, test_accuracy]),
      [
        [STANDARD.trialId, 'succeeded', 0.25],
        [STEP_BY_STEP.trialId, 'succeeded', 0.75],
        [BROKEN.trialId, 'failed', null],
        [WAITING.trialId, 'queued', null],
      ],
    );
    assert.deepEqual(Object.keys(results[1]), [
      'id',
      'settings',
      'state',
      'attempts',
      'training',
      'evaluations',
      'test_accuracy',
      'seconds',
      'environment',
      'choice_accuracy',
      'seconds_by_phase',
      'measures',
    ]);
    assert.deepEqual(results[1].training, [
      { step: 50, loss: 3 },
      { step: 100, loss: 2.5 },
    ]);
    assert.deepEqual(results[1].evaluations, [{ step: 100, split: 'valid', loss: 1.25, accuracy: 0.5 }]);
  });

  it('give results as a table', async () => {
    const { stdout } = await run('results', 'methods');
    const row = new RegExp(
      `^${STEP_BY_STEP.trialId.slice(0, 8)} .* succeeded +1 +75\\.00 +100 +10\\.0 s +80\\.0 +8,000 +20\\.00 +1\\.00 GiB$`,
      'm',
    );
    assert.match(stdout, row);
    assert.ok(!stdout.includes('\u001b'));
  });

  it('give results as CSV, as the report has them', async () => {
    const out = join(folder.path, 'csv');
    assert.equal((await run('report', 'methods', '--out', out)).code, 0);
    const { code, stdout } = await run('results', 'methods', '--format', 'csv');
    assert.deepEqual([code, stdout], [0, readFileSync(join(out, 'results.csv'), 'utf8')]);
  });

  it('give results as a Markdown table that no name of the data can break', async () => {
    const { stdout } = await run('results', 'methods', '--format', 'md');
    const [header, rule, ...rows] = stdout.trimEnd().split('\n');
    assert.match(header ?? '', /^\| trial \| model \| .* \| accuracy % \|/);
    assert.match(rule ?? '', /^\|---\|.*\|---:\|$/);
    const columns = (line: string | undefined) => line?.replaceAll('\\|', '').split('|').length;
    assert.deepEqual(
      rows.map(columns),
      [STANDARD, STEP_BY_STEP, BROKEN, WAITING].map(() => columns(header)),
    );
    assert.ok(!stdout.includes('\u001b'));
  });

  it('give the same JSON whichever flag asks for it, and refuse two formats', async () => {
    const [byFormat, byFlag] = [
      await run('results', 'methods', '--format', 'json'),
      await run('results', 'methods', '--json'),
    ];
    assert.equal(byFormat.stdout, byFlag.stdout);
    const { code, stderr } = await run('results', 'methods', '--json', '--format', 'csv');
    assert.equal(code, 2);
    assert.match(stderr, /--json and --format csv ask for two formats\n {2}give one of the two/);
  });

  it('write a report, its table of results and its summary', async () => {
    const out = join(folder.path, 'out');
    const { code, stdout } = await run('report', 'methods', '--out', out);
    assert.deepEqual([code, stdout.trim().split('\n').length], [0, 11]);
    const csv = readFileSync(join(out, 'results.csv'), 'utf8').trim().split('\r\n');
    assert.equal(csv.length, 1 + 4);
    assert.match(
      readFileSync(join(out, 'report.md'), 'utf8'),
      /\| 75\.00 \| 25\.00 \| \+50\.00 \| – \| 1 \(1 positive\) \|/,
    );
    assert.equal(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')).counts.succeeded, 2);
  });

  it('write the report below reports/ when no folder is named', async () => {
    using elsewhere = temporaryFolder();
    const { code } = await runDss(['report', 'methods', '--home', folder.path], { cwd: elsewhere.path });
    assert.equal(code, 0);
    assert.match(readFileSync(join(elsewhere.path, 'reports/methods/report.md'), 'utf8'), /^# Sweep methods/);
  });

  it("print a trial's log by the beginning of its id, with control characters spelt out", async () => {
    const { code, stdout } = await run('logs', STEP_BY_STEP.trialId.slice(0, 10));
    assert.equal(code, 0);
    assert.match(stdout, /^2026.* \| step 50\n2026.* \| step 100\\u001b\[2J\n$/);
    const { lines } = JSON.parse((await run('logs', STEP_BY_STEP.trialId, '--json')).stdout);
    assert.equal(lines.length, 2);
  });

  it('print nothing for a trial without a log, also with -f when no control plane runs', async () => {
    assert.deepEqual(Object.values(await run('logs', '-f', STANDARD.trialId)).slice(0, 3), [0, null, '']);
  });

  it('name a sweep that was probably meant', async () => {
    const { code, stderr } = await run('results', 'metods');
    assert.equal(code, 2);
    assert.match(stderr, /there is no sweep "metods"\n {2}did you mean methods\?/);
  });

  it('refuse the beginning of an id that several trials share', async () => {
    const { code, stderr } = await run('logs', 'a');
    assert.equal(code, 2);
    assert.ok(stderr.includes(`${STANDARD.trialId}, ${STEP_BY_STEP.trialId}`), stderr);
  });
});
