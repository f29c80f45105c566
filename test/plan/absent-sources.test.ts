import assert from 'node:assert/strict';
import type { SourceFacts } from '../../orchestrator/core/sweep/source-facts.js';
import { parseSweepValue } from '../../orchestrator/core/sweep/sweep-spec.js';
import { expectGrid } from '../../orchestrator/plan/absent-sources.js';
import { sha256 } from '../../orchestrator/plan/plan-sweep.js';
import { datasetFactsOf, modelFactsOf } from '../support/sources.js';

const NO_MODEL = { code: 'MODEL_MISSING', message: 'no model', hint: '' } as const;
const NO_DATASET = { code: 'DATASET_MISSING', message: 'no dataset', hint: '' } as const;
const BASE = 'google/t5-v1_1-base';
const SMALL = 'google/t5-v1_1-small';

function factsOf(changes: Partial<SourceFacts> = {}): SourceFacts {
  const gone = modelFactsOf({ problem: NO_MODEL });
  return {
    models: new Map([
      [BASE, gone],
      [SMALL, gone],
    ]),
    datasets: new Map([
      ['cqa', datasetFactsOf({ problem: NO_DATASET, teachers: {} })],
      ['svamp', datasetFactsOf({ problem: NO_DATASET, teachers: {} })],
    ]),
    ...changes,
  };
}

const expected = (facts: SourceFacts, grid: object = {}) =>
  expectGrid(
    parseSweepValue(
      { sweep: 's', grid: { models: [BASE, SMALL], datasets: ['cqa', 'svamp'], seeds: [0], ...grid } },
      '',
    ),
    facts,
    sha256,
  );

describe('models and datasets that are not there', () => {
  it('are planned where their names say what they are, each apart, and none of their trials has an id', () => {
    const { trials, merged, rejected, absent, hasId } = expected(factsOf());
    assert.deepEqual([trials.length, merged, rejected], [4, [], []]);
    assert.deepEqual(absent, { models: [BASE, SMALL], datasets: ['cqa', 'svamp'] });
    assert.equal(trials.some(hasId), false);
  });

  it('have both teachers of the release', () => {
    const { trials, rejected } = expected(factsOf(), { llm: ['palm', 'gpt'], label_type: 'llm' });
    assert.deepEqual([trials.length, rejected], [8, []]);
  });

  it('leave the ids of trials that read none of them as they are', () => {
    const models = new Map([
      [BASE, modelFactsOf()],
      [SMALL, modelFactsOf({ problem: NO_MODEL })],
    ]);
    const datasets = new Map([['cqa', datasetFactsOf()]]);
    const { trials, absent, hasId } = expected({ models, datasets }, { datasets: ['cqa'] });
    assert.deepEqual(absent, { models: [SMALL], datasets: [] });
    assert.deepEqual(
      trials.map((trial) => [trial.settings.model, hasId(trial)]),
      [
        [BASE, true],
        [SMALL, false],
      ],
    );
  });

  it('are planned without weights, too', () => {
    const models = new Map([[BASE, modelFactsOf({ weightsProblem: NO_MODEL })]]);
    assert.deepEqual(expected(factsOf({ models }), { models: [BASE] }).absent.models, [BASE]);
  });

  it('stay rejected where nobody knows them, or where they are wrong', () => {
    const wrong = { code: 'DATASET_INVALID', message: 'a wrong row', hint: '' } as const;
    const { trials, rejected } = expected(
      {
        models: new Map([
          [BASE, modelFactsOf()],
          ['mine/t5', modelFactsOf({ problem: NO_MODEL })],
        ]),
        datasets: new Map([
          ['cqa', datasetFactsOf({ problem: wrong })],
          ['own', datasetFactsOf({ problem: NO_DATASET })],
        ]),
      },
      { models: [BASE, 'mine/t5'], datasets: ['cqa', 'own'] },
    );
    assert.equal(trials.length, 0);
    assert.deepEqual(
      rejected.map(({ code }) => code),
      ['DATASET_INVALID', 'DATASET_MISSING', 'MODEL_MISSING', 'MODEL_MISSING'],
    );
  });
});
