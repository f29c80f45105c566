import assert from 'node:assert/strict';
import { KNOWN_DATASETS, lengthsOfCharacters, pairsOf, rowWork } from '../../../orchestrator/core/cost/lengths.js';
import { SETTINGS } from '../../support/planned-trials.js';

const EXACT = {
  input: { mean: 40, sd: 0 },
  label: { mean: 3, sd: 0 },
  rationale: { mean: 300, sd: 50 },
  source: 'table',
} as const;

const targets = (changes: Partial<typeof SETTINGS>) =>
  pairsOf(EXACT, { ...SETTINGS, ...changes }).map(({ target }) => target.mean);

describe('lengths of what is trained', () => {
  it('are those of the tasks that have a weight', () => {
    assert.deepEqual(targets({}), [3, 256]);
    assert.deepEqual(targets({ alpha: 1 }), [3]);
    assert.deepEqual(targets({ alpha: 0 }), [256]);
    assert.deepEqual(targets({ model_type: 'standard', alpha: null }), [3]);
    assert.deepEqual(targets({ model_type: 'single_task', alpha: null }), [256]);
  });

  it('are cut where training cuts them', () => {
    assert.equal(pairsOf(EXACT, { ...SETTINGS, max_input_length: 32 })[0]?.input.mean, 32);
    const wide = { ...EXACT, input: { mean: 40, sd: 90 } };
    assert.deepEqual(pairsOf(wide, { ...SETTINGS, max_input_length: 50 })[0]?.input, { mean: 40, sd: 10 });
  });

  it('give tokens and cells of a row over its pairs', () => {
    const pairs = [
      { input: { mean: 10, sd: 0 }, target: { mean: 3, sd: 0 } },
      { input: { mean: 10, sd: 0 }, target: { mean: 20, sd: 0 } },
    ];
    const { tokens, cells } = rowWork(pairs);
    assert.deepEqual([tokens.mean, cells.mean], [43, 100 + 9 + 30 + (100 + 400 + 200)]);
  });

  it('are longest, of 64 rows, where padding showed it', () => {
    const { input } = KNOWN_DATASETS.get('cqa')?.lengths ?? EXACT;
    assert.ok(Math.abs((input.mean + 2.4 * input.sd) / input.mean - 1.5) < 1e-9);
  });

  it('are estimated from characters, and say so', () => {
    const { input, rationale, source } = lengthsOfCharacters({ input: [40, 80], label: [4], rationale: [] });
    assert.deepEqual([input, rationale, source], [{ mean: 16, sd: 5 }, { mean: 0, sd: 0 }, 'characters']);
  });
});
