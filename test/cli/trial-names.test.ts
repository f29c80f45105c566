import assert from 'node:assert/strict';
import { trialNames } from '../../orchestrator/cli/watch/trial-names.js';
import { settingsOf } from '../support/records.js';

describe('the name of a trial in a line', () => {
  it('has what tells it from the others of its sweep, and nothing else beside its cell and seed', () => {
    const all = [
      settingsOf({ model_type: 'standard', subsample: 0.5, seed: 10 }),
      settingsOf({ model_type: 'standard', subsample: 1, seed: 10 }),
    ];
    assert.deepEqual(all.map(trialNames(all)), [
      'tiny cqa gt standard subsample 0.5 seed 10',
      'tiny cqa gt standard subsample 1 seed 10',
    ]);
  });

  it('leaves out what means nothing to this trial', () => {
    const all = [
      settingsOf({ model_type: 'task_prefix', llm: 'opus' }),
      settingsOf({ model_type: 'task_prefix', llm: 'haiku' }),
      settingsOf({ model_type: 'standard', llm: null }),
    ];
    assert.deepEqual(all.map(trialNames(all)), [
      'tiny cqa gt task_prefix llm opus seed 0',
      'tiny cqa gt task_prefix llm haiku seed 0',
      'tiny cqa gt standard seed 0',
    ]);
  });

  it('steers no terminal', () => {
    const all = [settingsOf({ llm: '\u001b[31m' }), settingsOf({ llm: 'b' })];
    assert.ok(trialNames(all)(all[0] as (typeof all)[number]).includes('llm \\u001b[31m'));
  });
});
