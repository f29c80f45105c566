import assert from 'node:assert/strict';
import { resultValue } from '../../orchestrator/reports/results-json.js';
import { summaryValue } from '../../orchestrator/reports/summary-json.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { evaluationOf, failed, NOTHING_MEASURED, succeeded, UNMEASURED } from '../support/records.js';

describe('the documents that scripts read', () => {
  it('show a trial in exactly the promised shape', () => {
    const record = succeeded({});
    const value = resultValue(record, { training: [{ step: 50, loss: 2 }], evaluations: [evaluationOf()] });
    assert.deepEqual(value, {
      id: record.trial.trialId,
      settings: record.trial.settings,
      state: 'succeeded',
      attempts: 1,
      training: [{ step: 50, loss: 2 }],
      evaluations: [{ step: 100, split: 'valid', loss: 1.25, accuracy: 0.5 }],
      test_accuracy: 0.5,
      seconds: 10,
      environment: { torch: '2', threads: '1' },
      choice_accuracy: null,
      seconds_by_phase: { load: 1, train: 9 },
      measures: {
        resumed_step: 0,
        examples_per_second: 80,
        useful_tokens_per_second: 8_000,
        padded_tokens_per_second: 10_000,
        mfu_useful: 0.2,
        mfu_padded: 0.25,
        peak_flops: 1e11,
        peak_flops_source: 'measured',
        peak_memory_bytes: 2 ** 30,
        predicted_memory_bytes: 2 ** 30,
      },
    });
  });

  it('have null where a failed trial has no number', () => {
    const { test_accuracy, seconds, environment } = resultValue(failed({}), NOTHING_MEASURED);
    assert.deepEqual([test_accuracy, seconds, environment], [null, null, {}]);
  });

  it('have null where an older engine did not measure', () => {
    const { measures } = resultValue(succeeded({}, UNMEASURED), NOTHING_MEASURED);
    assert.deepEqual(measures, {
      resumed_step: 0,
      examples_per_second: 80,
      useful_tokens_per_second: null,
      padded_tokens_per_second: null,
      mfu_useful: null,
      mfu_padded: null,
      peak_flops: null,
      peak_flops_source: null,
      peak_memory_bytes: null,
      predicted_memory_bytes: null,
    });
  });

  it('say what is held against what', () => {
    const records = [
      succeeded({ model_type: 'standard' }),
      succeeded({ model_type: 'single_task', gen_max_len: 256 }, { testAccuracy: 0.25 }),
    ];
    const value = JSON.parse(JSON.stringify(summaryValue(foldSweep('s', records, []))));
    assert.equal(value.comparisons[0].candidate.model_type, 'single_task');
    assert.equal(value.comparisons[0].candidate_test_accuracy.mean, 0.25);
    assert.equal(value.comparisons[0].baseline.model_type, 'standard');
    assert.equal(value.comparisons[0].difference.mean, -0.25);
  });

  it('have the seconds of the sweep and of each cell by phase', () => {
    const value = JSON.parse(JSON.stringify(summaryValue(foldSweep('s', [succeeded({})], []))));
    assert.deepEqual(value.seconds.by_phase, { load: 1, train: 9 });
    assert.deepEqual(value.cells[0].seconds_by_phase, { load: 1, train: 9 });
    assert.equal(value.cells[0].seeds[0].measures.mfu_useful, 0.2);
    assert.equal(value.cells[0].choice_accuracy.mean, null);
  });

  it('write a loss that is no number as null', () => {
    const value = resultValue(failed({}), { training: [{ step: 1, loss: Number.NaN }], evaluations: [] });
    assert.match(JSON.stringify(value), /"training":\[\{"step":1,"loss":null\}\]/);
  });

  it('sum up cells, pairs and failures of a sweep', () => {
    const records = [
      succeeded({ model_type: 'standard' }, { testAccuracy: 0.25 }),
      succeeded({}, { testAccuracy: 0.5 }),
      failed({ seed: 1 }),
    ];
    const value = JSON.parse(JSON.stringify(summaryValue(foldSweep('s', records, []))));
    assert.deepEqual(value.counts, { queued: 0, running: 0, succeeded: 2, failed: 1, cancelled: 0 });
    assert.deepEqual(value.cells[1].test_accuracy, { n: 1, mean: 0.5, sd: null });
    assert.deepEqual(value.cells[1].missing_seeds, [1]);
    assert.deepEqual(value.comparisons[0].difference, {
      n: 1,
      mean: 0.25,
      sd: null,
      by_seed: [{ seed: 0, difference: 0.25 }],
      unpaired_seeds: [],
    });
    assert.equal(value.failures[0].code, 'NON_FINITE_LOSS');
  });
});
