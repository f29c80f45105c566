import assert from 'node:assert/strict';
import type { SubmissionPart } from '../../orchestrator/core/sweep/submission.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { readHistory } from '../../orchestrator/journal/read-history.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { resultOf, trialIdOf } from '../support/trials.js';

const [A, B] = ['a', 'b'].map((name) => [{ setting: name }]);

describe('the history of what a sweep declared', () => {
  const folders: Disposable[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) folder[Symbol.dispose]();
  });

  /** Each step is at a second of its own. */
  function written(...steps: readonly (Partial<SubmissionPart> & { numbers?: readonly number[]; ends?: number[] })[]) {
    const folder = temporaryFolder();
    folders.push(folder);
    const journal = openJournal(folder.path);
    for (const [place, { numbers = [1, 2], ends = [], ...part }] of steps.entries()) {
      const atUnixMs = 1_000 * (place + 1);
      journal.transaction(() => journal.submit(partOf('s', numbers, part), atUnixMs));
      for (const number of ends) {
        journal.transaction(() => {
          const { lease } = journal.begin(trialIdOf(number), 'w', atUnixMs + 100);
          journal.finish(lease, resultOf(0.5), atUnixMs + 200);
        });
      }
    }
    journal.close();
    return readHistory(folder.path, 's', A ?? null);
  }
  const declaring = (compare: typeof A) => ({ options: { ...DEFAULT_SWEEP_OPTIONS, compare: compare ?? null } });

  it('is nothing where there is no journal', () => {
    using folder = temporaryFolder();
    assert.equal(readHistory(folder.path, 's', null), null);
  });

  it('goes back to the first time that exactly these stood, and says what came between', () => {
    assert.deepEqual(
      written({ ...declaring(A), ends: [1, 2] }, declaring(B), { ...declaring(B) }, {}, declaring(A), declaring(A)),
      { declaredAtUnixMs: 1_000, changed: { times: 1, backAtUnixMs: 5_000 }, extensions: [], firstEndedUnixMs: {} },
    );
  });

  it('begins anew with those that never stood before', () => {
    const history = written({ ends: [1] }, declaring(B), declaring(A));
    assert.deepEqual([history?.declaredAtUnixMs, history?.changed], [3_000, null]);
  });

  it('has the trials that joined when others had ended, and how many had', () => {
    const history = written(
      declaring(A),
      { ...declaring(A), numbers: [3], extend: true, ends: [1] },
      { ...declaring(A), numbers: [3, 4, 5], extend: true },
      { ...declaring(A), numbers: [4], extend: true },
    );
    assert.deepEqual(history?.extensions, [{ added: 2, had: 3, ended: 1 }]);
  });

  it('has the first end of a trial that was run again', () => {
    const history = written(
      { ...declaring(B), ends: [1, 2] },
      { ...declaring(A), numbers: [1, 2], rerun: true, ends: [1] },
    );
    assert.deepEqual(history?.firstEndedUnixMs, { [trialIdOf(1)]: 1_200 });
  });

  it('takes no other sweep for this one', () => {
    const history = written(declaring(A), { ...declaring(B), sweep: 't', numbers: [1] });
    assert.deepEqual([history?.declaredAtUnixMs, history?.changed], [1_000, null]);
  });
});
