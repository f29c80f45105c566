import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkStore } from '../../orchestrator/cli/upkeep/doctor-store.js';
import { acquireStateLock } from '../../orchestrator/control/state-lock.js';
import type { Journal } from '../../orchestrator/journal/journal.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { FileStore } from '../../orchestrator/store/file-store.js';
import { inPieces, storedFile } from '../support/bytes.js';
import { temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { failureOf, resultOf, trialIdOf, trialOf } from '../support/trials.js';

const DAY_MS = 86_400_000;
const BYTES = Buffer.from('the weights of a model');
const FILE = storedFile(BYTES, 'model.safetensors');

describe('dss doctor, of the store', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;
  let store: FileStore;
  beforeEach(() => {
    folder = temporaryFolder();
    home = folder.path;
    store = new FileStore(home, 0);
  });
  afterEach(() => folder[Symbol.dispose]());

  const checks = (later = 0) => checkStore(home, Date.now() + later);
  /** Runs the command that a finding names. */
  const repair = async (name: string, later = 0) => {
    const { repair: command = '' } = (await checks(later)).find((each) => each.name === name) ?? {};
    const [program = '', ...words] = (command.split(';')[0] ?? '').split(' ');
    execFileSync(program, words);
  };
  const withJournal = (write: (journal: Journal) => void): void => {
    const journal = openJournal(home);
    journal.transaction(() => write(journal));
    journal.close();
  };
  /** A trial that reads the file. */
  const trial = { ...trialOf(1), model: { directory: '/far', files: [{ ...FILE, role: 'weights' as const }] } };

  it('says that there is none, or that it is whole', async () => {
    assert.deepEqual(await checks(), [{ name: 'store', verdict: 'ok', what: 'none yet', repair: '' }]);
    await store.put('', FILE, inPieces(BYTES));
    await store.put(trialIdOf(1), FILE, inPieces(BYTES));
    assert.deepEqual(await checks(), [{ name: 'store', verdict: 'ok', what: '2 files, 44 B, whole', repair: '' }]);
  });

  it('finds a damaged file, and the command that mends it', async () => {
    await store.put('', FILE, inPieces(BYTES));
    writeFileSync(store.pathOf('', FILE.sha256), 'the w3ights of a model');
    const [check] = await checks();
    assert.equal(check?.verdict, 'problem');
    assert.match(check?.what ?? '', /^1 damaged file in 1 file, 22 B; workers refuse them$/);
    assert.match(check?.repair ?? '', /then submit the sweep again/);
    await repair('store');
    assert.deepEqual(await checks(), [{ name: 'store', verdict: 'ok', what: '0 files, 0 B, whole', repair: '' }]);
  });

  it('finds files that came in part, unless they may still be coming', async () => {
    await store.put('', FILE, inPieces(BYTES));
    const part = `${store.pathOf('', FILE.sha256)}.12.part`;
    writeFileSync(part, 'half');
    const held = acquireStateLock(home);
    assert.equal((await checks()).length, 1);
    held.release();
    assert.deepEqual(
      (await checks()).map(({ name, verdict }) => [name, verdict]),
      [
        ['store', 'ok'],
        ['store, in part', 'warning'],
      ],
    );
    await repair('store, in part');
    assert.equal(existsSync(part), false);
    assert.equal((await checks()).length, 1);
  });

  it('offers to remove what no unfinished sweep has read for a week, and nothing else', async () => {
    await store.put('', FILE, inPieces(BYTES));
    const other = Buffer.from('of a sweep that has ended');
    await store.put('', storedFile(other), inPieces(other));
    const model = { directory: '/far', files: [{ ...storedFile(other, 'x'), role: 'weights' as const }] };
    withJournal((journal) => {
      journal.submit(partOf('a', [], { trials: [trial, { ...trialOf(2), model }] }), 1);
      journal.finish(journal.begin(trialIdOf(2), 'w', 2).lease, resultOf(0.5), 3);
    });
    assert.equal((await checks(6 * DAY_MS)).length, 1);
    const unneeded = (await checks(8 * DAY_MS)).find(({ name }) => name === 'store, not needed');
    assert.equal(unneeded?.what, '1 file of the store, 25 B, that no unfinished sweep has read for a week');
    await repair('store, not needed', 8 * DAY_MS);
    assert.equal(await store.has('', FILE), true);
    assert.equal(await store.has('', storedFile(other)), false);
    withJournal((journal) => journal.finish(journal.begin(trial.trialId, 'w', 2).lease, resultOf(0.5), 3));
    await repair('store, not needed', 8 * DAY_MS);
    assert.equal(await store.has('', FILE), false);
  });

  it('finds checkpoints that a trial has no more use for, and leaves the others', async () => {
    withJournal((journal) => {
      const kept = trialOf(4);
      const trials = [trialOf(1), trialOf(2), trialOf(3), { ...kept, run: { ...kept.run, keepCheckpoints: true } }];
      journal.submit(partOf('a', [], { trials }), 1);
      journal.cancel(trialIdOf(1), 2);
      journal.fail(journal.begin(trialIdOf(2), 'w', 2).lease, failureOf('user'), 3);
      journal.cancel(trialIdOf(4), 2);
    });
    const paths = [1, 2, 3, 4].map((number) => join(home, 'trials', trialIdOf(number), 'checkpoints'));
    for (const path of paths) mkdirSync(path, { recursive: true });
    await repair('checkpoints');
    assert.deepEqual(
      paths.map((path) => existsSync(path)),
      [false, true, true, true],
    );
  });
});
