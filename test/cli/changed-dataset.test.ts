import assert from 'node:assert/strict';
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDss, temporaryFolder } from '../support/dss.js';
import { finishWithoutTraining } from '../support/finished-sweep.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

describe('a report of a dataset that is not as it was trained on', () => {
  const folder = temporaryFolder();
  const home = join(folder.path, 'home');
  const datasets = join(folder.path, 'datasets');
  const tests = join(datasets, 'dispatch', 'test.jsonl');
  const before_ = join(folder.path, 'before');
  let original = '';
  let file = '';
  const run = (...words: string[]) =>
    runDss(words, { env: { DSS_HOME: home, DSS_DATASETS: datasets }, cwd: folder.path });
  const summaryOf = (name: string) => JSON.parse(readFileSync(join(folder.path, name, 'summary.json'), 'utf8'));
  const textOf = (name: string, part: string) => readFileSync(join(folder.path, name, part), 'utf8');

  before(async () => {
    cpSync(join(DATASETS, 'dispatch'), join(datasets, 'dispatch'), { recursive: true });
    original = readFileSync(tests, 'utf8');
    file = writeTinySweep(folder.path);
    await finishWithoutTraining(file, home, { datasets });
    assert.equal((await run('report', 'tiny', '--out', before_)).code, 0);
  });
  after(() => folder[Symbol.dispose]());
  afterEach(() => writeFileSync(tests, original));

  it('has the teacher as long as the files are as trials read them', () => {
    const { teachers, teachers_left_out } = summaryOf('before');
    assert.deepEqual(
      [teachers.map(({ split }: { split: string }) => split).includes('test'), teachers_left_out],
      [true, []],
    );
  });

  it('says on the page and in the Markdown which file changed, in place of the teacher', async () => {
    writeFileSync(tests, original.replaceAll('"label": "', '"label": "other '));
    const said = 'How good the teacher of dispatch is, is not shown: dispatch/test.jsonl changed since trials read it.';
    assert.equal((await run('report', 'tiny', '--out', join(folder.path, 'changed'))).code, 0);
    const { teachers, teachers_left_out } = summaryOf('changed');
    assert.deepEqual(teachers, []);
    assert.deepEqual(teachers_left_out, [{ dataset: 'dispatch', changed: ['dispatch/test.jsonl'], absent: [] }]);
    for (const part of ['report.md', 'report.html']) {
      assert.ok(textOf('changed', part).includes(said), part);
      assert.ok(!textOf('changed', part).includes('The teacher itself is right'), part);
    }
    const { code, stdout } = await run('verify', before_);
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^its teacher and plan were not compared: of the dataset dispatch, dispatch\/test\.jsonl changed since trials read it$/m,
    );
    assert.doesNotMatch(stdout, /summary\.json/);
  });

  it('says so in the terminal too, where a sweep has trials of before and of after', async () => {
    // With trials of its own, so that the sweep of the other tests stays what it is.
    const other = writeTinySweep(folder.path, { name: 'both', seeds: [2, 3] });
    await finishWithoutTraining(other, home, { datasets });
    writeFileSync(tests, original.replaceAll('"label": "', '"label": "other '));
    await finishWithoutTraining(other, home, { datasets, extend: true });
    const { code, stdout, stderr } = await run('sweep', other, '--extend');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^How good the teacher of dispatch is, is not shown: dispatch\/test\.jsonl changed since/m);
    assert.doesNotMatch(stdout, /The teacher itself/);
  });

  it('says that the dataset is not there any more', async () => {
    renameSync(datasets, join(folder.path, 'away'));
    try {
      const { code, stdout } = await run('report', 'tiny', '--json', '--out', join(folder.path, 'away-report'));
      assert.equal(code, 0);
      assert.deepEqual(JSON.parse(stdout).teachers_left_out[0].changed, []);
      assert.match(
        textOf('away-report', 'report.md'),
        /of dispatch is, is not shown: (?:dispatch\/\w+\.jsonl(?:, )?){3} cannot be read here any more\./,
      );
      assert.equal((await run('verify', before_)).code, 0);
    } finally {
      renameSync(join(folder.path, 'away'), datasets);
    }
  });
});
