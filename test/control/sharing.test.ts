import assert from 'node:assert/strict';
import type { Trial, TrialSettings } from '../../orchestrator/core/domain.js';
import { MeasuredPeaks, withMemoryNeeds } from '../../orchestrator/plan/memory-needs.js';
import { TestPlane } from '../support/control-planes.js';
import { SETTINGS } from '../support/planned-trials.js';
import { resultOf } from '../support/records.js';
import { trialOf } from '../support/trials.js';

const NORMAL = { retryFailed: false };
const GIB = 2 ** 30;

function planned(seed: number, settings: Partial<TrialSettings> = {}): Trial {
  return { ...trialOf(seed, { ...SETTINGS, ...settings, seed }), model: { directory: '', files: [] } };
}

describe('two trials on one device', () => {
  /** How many of the trials are lent at once to a worker that takes two on one device of so many bytes. */
  const lentAtOnce = async (trials: readonly Trial[], memoryBytes: number) => {
    await using test = await TestPlane.start();
    await test.client.submit('s', trials, NORMAL);
    const device = { kind: 'cuda' as const, name: 'a card', memoryBytes, threads: 1 };
    const worker = test.worker({ slots: 2, prefetch: 0, devices: [device] });
    await worker.next('assign');
    // What it says is answered after everything that was lent by then.
    worker.say({ kind: 'renew', leases: [] });
    await worker.next('renewed');
    return 1 + worker.unread.filter(({ kind }) => kind === 'assign').length;
  };
  const sized = (trials: readonly Trial[], peaks = new MeasuredPeaks()) => withMemoryNeeds(trials, ['cuda'], peaks);

  it('run there together only if what is predicted of both fits', async () => {
    const trials = await sized([planned(1), planned(2, { batch_size: 32 })]);
    const needs = trials.map(({ run }) => run.memoryBytes);
    const both = 1.1 * needs.reduce((sum, need) => sum + need, 0);
    assert.notEqual(needs[0], needs[1]);
    assert.equal(await lentAtOnce(trials, Math.ceil(both) + 2), 2);
    assert.equal(await lentAtOnce(trials, Math.floor(both) - 2), 1);
  });

  it('run there together as far as the like of them did not need more than was predicted', async () => {
    const trials = [planned(1), planned(2)];
    const predicted = await sized(trials);
    const room = Math.ceil(2.2 * (predicted[0]?.run.memoryBytes ?? 0)) + 2;
    const peaks = new MeasuredPeaks();
    peaks.add({ trial: planned(9), result: resultOf({ environment: { device: 'cuda' }, peakMemoryBytes: 50 * GIB }) });
    assert.ok(room < 100 * GIB);
    assert.equal(await lentAtOnce(predicted, room), 2);
    assert.equal(await lentAtOnce(await sized(trials, peaks), room), 1);
  });
});
