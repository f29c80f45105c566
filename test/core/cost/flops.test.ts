import assert from 'node:assert/strict';
import { pairFlops, trialFlops } from '../../../orchestrator/core/cost/flops.js';
import type { TrialSettings } from '../../../orchestrator/core/domain.js';
import { factsOf } from '../../support/planned-trials.js';

const ROWS = { train: 8_766, valid: 975, test: 1_221 };

function flopsOf(changes: Partial<TrialSettings> = {}) {
  const { shape, settings, lengths } = factsOf(changes);
  return trialFlops(shape, settings, lengths, ROWS);
}

describe('the work of a trial', () => {
  // Useful TFLOP of a step of 64, both tasks; worked out from the formula of training/flops.py for mean lengths.
  const STEPS: readonly (readonly [model: string, dataset: string, tera: number])[] = [
    ['google/t5-v1_1-small', 'cqa', 1.3],
    ['google/t5-v1_1-base', 'cqa', 5.18],
    ['google/t5-v1_1-large', 'cqa', 18],
    ['google/t5-v1_1-xl', 'cqa', 67],
    ['google/t5-v1_1-xxl', 'cqa', 266],
    ['google/t5-v1_1-base', 'anli1', 9.7],
    ['google/t5-v1_1-xxl', 'anli1', 510],
    ['google/t5-v1_1-base', 'svamp', 5.9],
    ['google/t5-v1_1-base', 'esnli', 3.3],
  ];
  for (const [model, dataset, tera] of STEPS) {
    it(`is ${tera} TFLOP a step for ${model} on ${dataset}`, () => {
      const { step } = flopsOf({ model, dataset });
      assert.ok(Math.abs(step / 1e12 / tera - 1) < 0.02, `${step / 1e12} TFLOP`);
    });
  }

  it('is the same as worked out by hand for one pair', () => {
    const { shape } = factsOf();
    const pair = { input: { mean: 10, sd: 0 }, target: { mean: 3, sd: 0 } };
    const [d, i, f, v, s, t] = [512, 384, 1_024, 32_128, 10, 3];
    const encoder = 8 * (2 * s * (4 * d * i + 3 * d * f) + 4 * s * s * i);
    const decoder = 8 * (2 * t * (6 * d * i + 3 * d * f) + 4 * s * d * i + 4 * t * t * i + 4 * t * s * i);
    assert.equal(pairFlops(shape, pair, null), 3 * (encoder + decoder + 2 * t * d * v));
  });

  it('follows steps, batch and what is trained', () => {
    const whole = flopsOf();
    assert.equal(flopsOf({ max_steps: 5_000 }).training, whole.training / 2);
    assert.equal(flopsOf({ batch_size: 32, grad_steps: 2 }).step, whole.step);
    assert.equal(flopsOf({ batch_size: 32 }).step, whole.step / 2);
    assert.ok(flopsOf({ model_type: 'standard', alpha: null }).step < whole.step / 1.9);
    assert.equal(flopsOf({ alpha: 1 }).step, flopsOf({ model_type: 'standard', alpha: null }).step);
    assert.ok(flopsOf({ adapter: 'lora', lora_rank: 16 }).step < 0.75 * whole.step);
  });

  it('evaluates the test split once, or at each evaluation where the release did', () => {
    const [once, each] = [flopsOf().evaluation, flopsOf({ select: 'compat' }).evaluation];
    assert.ok(Math.abs(each / once - (40 * 1_221) / (40 * 975 + 1_221)) < 1e-9);
  });
});
