import assert from 'node:assert/strict';
import { trackedTrial } from '../../orchestrator/tracking/tracked.js';
import { foldTracked } from '../../orchestrator/tracking/tracked-cell.js';
import { succeeded } from '../support/records.js';
import { MEASURED } from '../support/report-sweep.js';

const STATES = { queued: 0, running: 0, succeeded: 2, failed: 0, cancelled: 0 };

const cellOf = (...torch: readonly string[]) =>
  foldTracked(
    torch.map((version, seed) => {
      const environment = { torch: version, host: `lab-${seed}` };
      return trackedTrial(succeeded({ seed }, { testAccuracy: 0.5 + seed / 4, environment }), MEASURED, 0);
    }),
    STATES,
  );

describe('a cell in a tracker', () => {
  it('has the mean and the curves of its seeds', () => {
    const { notPooled, seeds, summary, curves } = cellOf('2.15.0', '2.15.0');
    assert.deepEqual([notPooled, seeds, summary['test_accuracy_mean'], summary['test_accuracy_n']], ['', 2, 0.625, 2]);
    assert.ok(curves.length > 0);
  });

  it('has none where they ran on what does not compare, and says why', () => {
    const { notPooled, seeds, summary, curves } = cellOf('2.15.0', '2.14.0');
    assert.equal(notPooled, 'its seeds ran in different environments: torch: 2.14.0, 2.15.0');
    assert.deepEqual([seeds, summary, curves], [2, {}, []]);
  });
});
