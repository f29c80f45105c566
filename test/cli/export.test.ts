import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import { receiveKept } from '../../orchestrator/control/kept-files.js';
import { fetchKept } from '../../orchestrator/control/store-client.js';
import type { Trial } from '../../orchestrator/core/domain.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import type { KeptPart } from '../../orchestrator/wire/generated/dss/v1/store.js';
import { TestPlane } from '../support/control-planes.js';
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

describe('dss export from a control plane whose folder is not here', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: ReturnType<typeof temporaryFolder>;
  let test: TestPlane;

  beforeEach(async () => {
    folder = temporaryFolder();
    home = temporaryFolder();
    writeState(home.path);
    mkdirSync(join(home.path, 'trials', KEPT.trialId, 'model', 'deep', 'er'), { recursive: true });
    writeFileSync(join(home.path, 'trials', KEPT.trialId, 'model', 'deep', 'er', 'large'), LARGE);
    writeFileSync(join(home.path, 'secret'), 'nothing of a trial');
    symlinkSync(join(home.path, 'secret'), join(home.path, 'trials', KEPT.trialId, 'model', 'link'));
    test = await TestPlane.start({ home: home.path });
    // As if another folder were mounted where the control plane has its own.
    writeFileSync(join(home.path, 'id'), `${'f'.repeat(32)}\n`);
  });

  afterEach(async () => {
    await test[Symbol.asyncDispose]();
    home[Symbol.dispose]();
    folder[Symbol.dispose]();
  });

  const LARGE = Buffer.alloc(3_000_000, 'weights');
  const run = (words: readonly string[], token = test.plane.clientToken) =>
    runDss(['export', ...words, '--server', test.plane.address], {
      cwd: folder.path,
      env: { DSS_HOME: folder.path, DSS_TOKEN: token },
    });
  const grant = (granted: Parameters<TokenStore['grant']>[0]) => new TokenStore(home.path).grant(granted);

  it('fetches what was kept, files and nothing else, for whoever may look', async () => {
    const times = { createdAt: new Date(0).toISOString(), expiresAt: null };
    const token = grant({ kind: 'user', user: 'ada', role: 'read', ...times });
    const { code, stdout, stderr } = await run(['aa', 'out'], token);
    assert.deepEqual([code, stderr], [0, '']);
    const out = join(folder.path, 'out');
    assert.deepEqual(readdirSync(out).toSorted(), [...Object.keys(MODEL), 'deep'].toSorted());
    assert.deepEqual(readFileSync(join(out, 'deep', 'er', 'large')), LARGE);
    assert.equal(readFileSync(join(out, 'model.safetensors'), 'utf8'), MODEL['model.safetensors']);
    assert.match(stdout, /out\/model\.safetensors/);
    assert.deepEqual(readdirSync(folder.path), ['out'], 'nothing else is left');
  });

  it('fetches rationales alone where no model was kept', async () => {
    const { code, stdout } = await run(['ab', 'out', '--json']);
    assert.deepEqual([code, JSON.parse(stdout).files], [0, ['rationales.jsonl']]);
  });

  const refused: readonly [string, RegExp][] = [
    ['bb', /nothing of it was kept: there is no model of it at 127\.0\.0\.1:\d+/],
    ['cc', /is not done: it is queued/],
  ];
  for (const [trial, message] of refused) {
    it(`refuses as it does here, and leaves nothing: ${message.source}`, async () => {
      const { code, stderr } = await run([trial, 'out']);
      assert.match(stderr, message);
      assert.deepEqual([code, readdirSync(folder.path)], [2, []]);
    });
  }

  it('sends nothing of a folder that a link stands for', async () => {
    mkdirSync(join(home.path, 'private'));
    writeFileSync(join(home.path, 'private', 'secret'), 'nothing of a trial');
    const folderOf = join(home.path, 'trials', 'bb'.padEnd(20, '2'));
    mkdirSync(folderOf, { recursive: true });
    symlinkSync(join(home.path, 'private'), join(folderOf, 'model'));
    const { code, stderr } = await run(['bb', 'out']);
    assert.match(stderr, /nothing of it was kept/);
    assert.deepEqual([code, readdirSync(folder.path)], [2, []]);
  });

  it('is not for workers', async () => {
    const { storeAddress, joinToken } = test.plane;
    const out = fetchKept(KEPT.trialId, folder.path, { address: storeAddress ?? '', token: joinToken });
    await assert.rejects(out, { code: 'NOT_ALLOWED', message: /is not for workers/ });
    assert.deepEqual(readdirSync(folder.path), []);
  });
});

describe('what a control plane sends of a trial', () => {
  const part = (value: KeptPart['part']): KeptPart => ({ part: value });
  const received = async (parts: readonly KeptPart[]) => {
    using folder = temporaryFolder();
    const inside = join(folder.path, 'inside');
    mkdirSync(inside);
    await receiveKept(
      (async function* () {
        yield* parts;
      })(),
      inside,
    );
  };
  const path = (value: string) => part({ $case: 'path', value });

  for (const name of ['../out', '/etc/passwd', 'model/../../out', 'a\\b', '']) {
    it(`is written nowhere but in its place: ${JSON.stringify(name)}`, async () => {
      await assert.rejects(received([path(name)]), /expected a relative path/);
    });
  }

  it('counts for nothing where it is cut off or damaged', async () => {
    const data = part({ $case: 'data', value: Buffer.from('half') });
    for (const rest of [[data], [data, path('next')], [data, part({ $case: 'sha256', value: '0'.repeat(64) })]]) {
      await assert.rejects(received([path('model/a'), ...rest]), { code: 'STORE_MISMATCH' });
    }
  });
});
