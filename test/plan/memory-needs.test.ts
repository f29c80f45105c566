import assert from 'node:assert/strict';
import { predictedMemoryBytes } from '../../orchestrator/core/cost/memory.js';
import type { RunOptions, Trial, TrialSettings } from '../../orchestrator/core/domain.js';
import { MeasuredPeaks, withMemoryNeeds } from '../../orchestrator/plan/memory-needs.js';
import { factsOf, SETTINGS } from '../support/planned-trials.js';
import { resultOf } from '../support/records.js';
import { trialOf } from '../support/trials.js';

const GIB = 2 ** 30;

/** Of a model and a dataset whose sizes are known by name. */
function planned(settings: Partial<TrialSettings> = {}, run: Partial<RunOptions> = {}): Trial {
  const trial = trialOf(1, { ...SETTINGS, ...settings });
  return { ...trial, model: { directory: '', files: [] }, run: { ...trial.run, ...run } };
}

function seen(device: string, peakMemoryBytes: number, trial = planned()) {
  return { trial, result: resultOf({ environment: { device }, peakMemoryBytes }) };
}

describe('what a trial is thought to need', () => {
  const needOf = async (trial: Trial, kinds: readonly ('cpu' | 'cuda')[], peaks = new MeasuredPeaks()) =>
    (await withMemoryNeeds([trial], kinds, peaks))[0]?.run.memoryBytes;

  it('is the prediction where nothing like it has run', async () => {
    assert.equal(await needOf(planned(), ['cpu']), predictedMemoryBytes(factsOf(), { kind: 'cpu' }));
    assert.equal(await needOf(planned(), ['cuda']), predictedMemoryBytes(factsOf(), { kind: 'cuda' }));
  });

  it('is the largest peak that a trial like it came to, which may differ in seed and rates', async () => {
    const peaks = new MeasuredPeaks();
    peaks.add(seen('cpu', 3 * GIB, planned({ seed: 7, lr: 1e-4, max_steps: 20 })));
    peaks.add(seen('cpu', 2 * GIB));
    assert.equal(await needOf(planned({ seed: 1 }), ['cpu'], peaks), 3 * GIB);
  });

  const others: readonly (readonly [string, Trial])[] = [
    ['batch', planned({ batch_size: 32 })],
    ['model', planned({ model: 'google/t5-v1_1-base' })],
    ['precision', planned({ precision: 'bf16' })],
    ['optimizer', planned({ optimizer: 'adamw8bit' })],
    ['number of devices', planned({}, { devices: 2 })],
    ['number of passes', planned({}, { microBatches: 4 })],
  ];
  for (const [what, other] of others) {
    it(`is not what a trial with another ${what} came to`, async () => {
      const peaks = new MeasuredPeaks();
      peaks.add(seen('cpu', 77 * GIB, other));
      assert.notEqual(await needOf(planned(), ['cpu'], peaks), 77 * GIB);
    });
  }

  it('is not what one came to on another kind of device', async () => {
    const peaks = new MeasuredPeaks();
    peaks.add(seen('cuda', 77 * GIB));
    assert.equal(await needOf(planned(), ['cpu'], peaks), predictedMemoryBytes(factsOf(), { kind: 'cpu' }));
  });

  it('is the most that any of the devices calls for which may get it', async () => {
    const peaks = new MeasuredPeaks();
    peaks.add(seen('cuda', 77 * GIB));
    assert.equal(await needOf(planned(), ['cpu', 'cuda'], peaks), 77 * GIB);
  });

  it('is a share of the model where several devices train it', async () => {
    const xxl = { model: 'google/t5-v1_1-xxl', precision: 'bf16' } as const;
    const run = { devices: 4, machines: 2 };
    const expected = predictedMemoryBytes(factsOf(xxl), { kind: 'cuda', devices: 8 });
    assert.equal(await needOf(planned(xxl, run), ['cuda']), expected);
  });

  it('is not known of a model that nobody knows', async () => {
    assert.equal(await needOf(planned({ model: 'somebody/elses' }), ['cpu']), 0);
  });

  it('keeps the order of the trials and everything else of them', async () => {
    const trials = [planned({ seed: 1 }), planned({ seed: 2, batch_size: 8 }), planned({ seed: 3 })];
    const sized = await withMemoryNeeds(trials, ['cpu'], new MeasuredPeaks());
    assert.deepEqual(
      sized.map(({ run, ...rest }) => ({ ...rest, run: { ...run, memoryBytes: 0 } })),
      trials,
    );
  });
});
