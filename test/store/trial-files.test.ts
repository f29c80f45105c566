import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import type { Journal } from '../../orchestrator/journal/journal.js';
import { MemoryJournal } from '../../orchestrator/journal/memory-journal.js';
import { FileStore } from '../../orchestrator/store/file-store.js';
import { storePaths } from '../../orchestrator/store/store-paths.js';
import { TrialFiles } from '../../orchestrator/store/trial-files.js';
import { inPieces, storedFile } from '../support/bytes.js';
import { temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { failureOf, resultOf, trialIdOf } from '../support/trials.js';

const NAMED = Buffer.from('of the newest checkpoint');
const UNNAMED = Buffer.from('sent, and nobody said what it is');

describe('files of trials, when a control plane starts again', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let journal: Journal;
  let lease: LeaseRef;
  const trialId = trialIdOf(1);

  /** A trial that runs and has a checkpoint; a file more of it has come. */
  beforeEach(async () => {
    folder = temporaryFolder();
    journal = new MemoryJournal();
    journal.transaction(() => journal.submit(partOf('a', [1]), 1));
    lease = journal.transaction(() => journal.begin(trialId, 'w', 2)).lease;
    const store = new FileStore(folder.path, 0);
    for (const bytes of [NAMED, UNNAMED]) await store.put(trialId, storedFile(bytes), inPieces(bytes));
    journal.transaction(() => journal.checkpoint(lease, 10, 'step-10', 3, [storedFile(NAMED, 'state.json')]));
    mkdirSync(join(folder.path, 'trials', trialId, 'checkpoints', 'step-10'), { recursive: true });
  });
  afterEach(() => folder[Symbol.dispose]());

  const afterStart = () => {
    new TrialFiles(folder.path, new FileStore(folder.path, 0)).recover(journal);
    const scope = join(storePaths(folder.path).trials, trialId);
    return {
      stored: existsSync(scope) ? readdirSync(scope).sort() : [],
      hasCheckpoints: existsSync(join(folder.path, 'trials', trialId, 'checkpoints')),
    };
  };
  const [named, unnamed] = [NAMED, UNNAMED].map((bytes) => storedFile(bytes).sha256);

  it('all stay where it runs: its worker may be about to name them', () => {
    assert.deepEqual(afterStart(), { stored: [named, unnamed].sort(), hasCheckpoints: true });
  });

  it('its checkpoint stays where it waits', () => {
    journal.transaction(() => journal.requeue(lease, failureOf('lost'), 0, 4));
    assert.deepEqual(afterStart(), { stored: [named], hasCheckpoints: true });
  });

  it('its checkpoint stays where it has failed', () => {
    journal.transaction(() => journal.fail(lease, failureOf('user'), 4));
    assert.deepEqual(afterStart(), { stored: [named], hasCheckpoints: true });
  });

  it('all go where it has succeeded', () => {
    journal.transaction(() => journal.finish(lease, resultOf(0.5), 4));
    assert.deepEqual(afterStart(), { stored: [], hasCheckpoints: false });
  });

  it('all go where it was cancelled', () => {
    journal.transaction(() => journal.cancel(trialId, 4));
    assert.deepEqual(afterStart(), { stored: [], hasCheckpoints: false });
  });

  it('all go of a trial that nobody knows, as after an older copy of the journal was put back', () => {
    journal = new MemoryJournal();
    assert.deepEqual(afterStart().stored, []);
  });
});
