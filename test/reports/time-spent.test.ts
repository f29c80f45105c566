import assert from 'node:assert/strict';
import { timeSpent } from '../../orchestrator/reports/time-spent.js';
import { failed, succeeded } from '../support/records.js';

describe('time spent', () => {
  it('is added up by phase over all trials that succeeded, in the order of a trial', () => {
    const { byPhase, totalSeconds } = timeSpent([
      succeeded({ seed: 0 }, { seconds: 10, secondsByPhase: { train: 6, load: 1, evaluate: 2 } }),
      succeeded({ seed: 1 }, { seconds: 5, secondsByPhase: { train: 5, load: 0 } }),
      failed({ seed: 2 }),
    ]);
    assert.deepEqual(byPhase, [
      { phase: 'load', seconds: 1 },
      { phase: 'train', seconds: 11 },
      { phase: 'evaluate', seconds: 2 },
      { phase: 'other', seconds: 1 },
    ]);
    assert.equal(totalSeconds, 15);
  });

  it("counts a process's start and its waiting beside the trial's own seconds", () => {
    const { byPhase, totalSeconds } = timeSpent([
      succeeded({}, { seconds: 10, secondsByPhase: { import: 7, idle: 2, train: 9 } }),
    ]);
    assert.deepEqual(
      byPhase.map(({ phase, seconds }) => [phase, seconds]),
      [
        ['import', 7],
        ['idle', 2],
        ['train', 9],
        ['other', 1],
      ],
    );
    assert.equal(totalSeconds, 19);
  });

  it('lets no trial whose sums are rounded up take from the rest of another', () => {
    const { byPhase } = timeSpent([
      succeeded({ seed: 0 }, { seconds: 1, secondsByPhase: { train: 1.25 } }),
      succeeded({ seed: 1 }, { seconds: 2, secondsByPhase: { train: 1.5 } }),
    ]);
    assert.deepEqual(byPhase.at(-1), { phase: 'other', seconds: 0.5 });
  });

  it('keeps phases that it does not know, after those that it does', () => {
    const { byPhase } = timeSpent([
      succeeded({}, { seconds: 9, secondsByPhase: { dreaming: 3, checkpoint: 2, train: 1 } }),
    ]);
    assert.deepEqual(
      byPhase.map(({ phase }) => phase),
      ['train', 'checkpoint', 'dreaming', 'other'],
    );
  });

  it('is nothing where nothing ended', () =>
    assert.deepEqual(timeSpent([failed({})]), { byPhase: [], totalSeconds: 0 }));
});
