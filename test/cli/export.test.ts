import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Trial } from '../../orchestrator/core/domain.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { runDss, temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { resultOf, trialOf } from '../support/records.js';

const KEPT = { ...trialOf({}), trialId: `aa${'0'.repeat(18)}` };
const EXPLAINED = { ...trialOf({ seed: 1 }), trialId: `ab${'1'.repeat(18)}` };
const BARE = { ...trialOf({ seed: 2 }), trialId: `bb${'2'.repeat(18)}` };
const WAITING = { ...trialOf({ seed: 3 }), trialId: `cc${'3'.repeat(18)}` };

const MODEL = { 'config.json': '{}', 'model.safetensors': 'weights', 'tokenizer.json': '{}', 'README.md': '# A model' };

/** Three trials that are done, one of which kept its model, one its rationales; and one that waits. */
function writeState(home: string): void {
  const journal = openJournal(home);
  const part = partOf('s', [], { trials: [KEPT, EXPLAINED, BARE, WAITING] });
  journal.transaction(() => journal.submit(part, 1_000));
  journal.transaction(() => {
    for (const { trialId } of [KEPT, EXPLAINED, BARE]) {
      journal.finish(journal.begin(trialId, 'w', 2_000).lease, resultOf(), 3_000);
    }
  });
  journal.close();
  const folderOf = ({ trialId }: Trial) => join(home, 'trials', trialId);
  mkdirSync(join(folderOf(KEPT), 'model'), { recursive: true });
  for (const [name, content] of Object.entries(MODEL)) writeFileSync(join(folderOf(KEPT), 'model', name), content);
  mkdirSync(folderOf(EXPLAINED), { recursive: true });
  writeFileSync(join(folderOf(EXPLAINED), 'rationales.jsonl'), '{"row":0}\n');
}

describe('dss export', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let state: ReturnType<typeof temporaryFolder>;
  const run = (...words: string[]) => runDss(['export', ...words], { cwd: folder.path, env: { DSS_HOME: state.path } });

  before(() => {
    state = temporaryFolder();
    writeState(state.path);
  });
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder[Symbol.dispose]());
  after(() => state[Symbol.dispose]());

  const contentOf = (path: string) =>
    Object.fromEntries(readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'utf8')]));

  it('copies the kept model into a folder that is made, by the beginning of an id, and names the files', async () => {
    const { code, stdout, stderr } = await run('aa', 'new/place');
    assert.deepEqual([code, stderr], [0, '']);
    const place = join(folder.path, 'new', 'place');
    assert.deepEqual(contentOf(place), MODEL);
    assert.deepEqual(readdirSync(join(folder.path, 'new')), ['place']);
    assert.deepEqual(
      stdout.trim().split('\n'),
      Object.keys(MODEL)
        .sort()
        .map((name) => join(place, name)),
    );
  });

  it('fills the folder that it is called in, when that is empty', async () => {
    assert.equal((await run(KEPT.trialId, '.')).code, 0);
    assert.deepEqual(contentOf(folder.path), MODEL);
  });

  it('copies rationales beside the model', async () => {
    using home = temporaryFolder();
    cpSync(state.path, home.path, { recursive: true });
    writeFileSync(join(home.path, 'trials', KEPT.trialId, 'rationales.jsonl'), '{"row":1}\n');
    assert.equal((await run(KEPT.trialId, 'out', '--home', home.path)).code, 0);
    assert.deepEqual(contentOf(join(folder.path, 'out')), { ...MODEL, 'rationales.jsonl': '{"row":1}\n' });
  });

  it('copies rationales alone where no model was kept, and says so', async () => {
    const { code, stdout, stderr } = await run('ab', 'out', '--json');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), {
      id: EXPLAINED.trialId,
      directory: join(folder.path, 'out'),
      files: ['rationales.jsonl'],
    });
    assert.match(stderr, /its model was not kept: `keep: best`/);
  });

  const refused: readonly [string, string, RegExp][] = [
    ['an id that several trials have', 'a', /several trials have an id that begins with "a"/],
    ['a trial that is not done', 'cc', /trial cc3+ is not done: it is queued/],
    [
      'a trial that kept nothing',
      'bb',
      /bb2+ is done, and nothing of it was kept: there is no .*model\n {2}`keep: best`/,
    ],
  ];
  for (const [what, trial, message] of refused) {
    it(`refuses ${what}, and makes nothing`, async () => {
      const { code, stdout, stderr } = await run(trial, 'out');
      assert.match(stderr, message);
      assert.deepEqual([code, stdout, readdirSync(folder.path)], [2, '', []]);
    });
  }

  it('refuses a folder that is not empty, and leaves it as it is', async () => {
    writeFileSync(join(folder.path, 'mine.txt'), 'mine');
    const { code, stderr } = await run('aa', '.');
    assert.match(stderr, /is not empty: it holds mine\.txt\n {2}name a folder that is empty or not there/);
    assert.deepEqual([code, contentOf(folder.path)], [2, { 'mine.txt': 'mine' }]);
    assert.match((await run('aa', 'mine.txt')).stderr, /mine\.txt is no folder/);
  });
});
