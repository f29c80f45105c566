import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type ResolvedGrid, resolveGrid } from '../../orchestrator/core/resolve-grid.js';
import type { DatasetFacts, ModelFacts } from '../../orchestrator/core/source-facts.js';
import { parseSweepValue } from '../../orchestrator/core/sweep-spec.js';
import { datasetFactsOf, folderFactsOf, modelFactsOf, problemOf, teacherFactsOf } from '../support/sources.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const MODELS: readonly (readonly [string, ModelFacts])[] = [
  ['a', modelFactsOf({}, 'a')],
  ['b', modelFactsOf({ dropout: 0 }, 'b')],
  ['copy-of-a', modelFactsOf({ source: { ...modelFactsOf({}, 'a').source, directory: '/elsewhere' } }, 'a')],
];
const DATASETS: readonly (readonly [string, DatasetFacts])[] = [
  ['cqa', datasetFactsOf({}, 'cqa')],
  ['own', folderFactsOf('own')],
  ['copy-of-own', folderFactsOf('own')],
];

function resolve(
  grid: object,
  rest: object = {},
  { models = MODELS, datasets = DATASETS }: { models?: typeof MODELS; datasets?: typeof DATASETS } = {},
): ResolvedGrid {
  const spec = parseSweepValue({ sweep: 's', grid: { models: ['a'], datasets: ['cqa'], ...grid }, ...rest }, '');
  return resolveGrid(spec, { models: new Map(models), datasets: new Map(datasets) }, sha256);
}

/** What varies without effect, and the rule that must be named. */
const MERGES: readonly [object, object, string][] = [
  [{ model_type: 'standard', alpha: [0.3, 0.5] }, {}, 'alpha has no effect under standard'],
  [{ model_type: 'standard', llm: ['palm', 'gpt'] }, {}, 'llm has no effect under standard with gt'],
  [{ datasets: 'own', llm: ['palm', 'gpt'] }, {}, 'llm has no effect on a dataset whose rows hold the teacher'],
  [{ eval_steps: [100, 200] }, { train: { max_steps: 100 } }, 'eval_steps is capped at max_steps'],
  [{ checkpoint_steps: [0, 10] }, {}, 'checkpoint_steps changes no result'],
  [{ lr: [1, 2] }, { overrides: [{ when: { lr: 2 }, set: { lr: 1 } }] }, 'overrides[0] sets lr'],
  [{ models: ['a', 'copy-of-a'] }, {}, 'models a and copy-of-a have the same content'],
  [{ datasets: ['own', 'copy-of-own'] }, {}, 'datasets own and copy-of-own have the same content'],
];

describe('cells that train the same', () => {
  for (const [grid, rest, rule] of MERGES) {
    it(`are one trial, and the rule is named: ${rule}`, () => {
      const { requested, trials, merged } = resolve(grid, rest);
      assert.deepEqual([requested, trials.length], [2, 1]);
      assert.deepEqual(
        merged.map(({ trialId, rules }) => [trialId, rules]),
        [[trials[0]?.trialId, [rule]]],
      );
    });
  }

  it('are told apart by their values on the axes', () => {
    const { merged } = resolve({ model_type: 'standard', alpha: [0.3, 0.5] });
    assert.deepEqual(merged[0]?.settings, { model: 'a', dataset: 'cqa', model_type: 'standard', alpha: 0.5 });
  });

  it('name every rule when they differ in several settings', () => {
    const { merged } = resolve({ model_type: 'standard', alpha: [0.3, 0.5], llm: ['palm', 'gpt'] });
    assert.deepEqual(merged.at(-1)?.rules, [
      'llm has no effect under standard with gt',
      'alpha has no effect under standard',
    ]);
  });
});

describe('a trial', () => {
  it('has canonical settings', () => {
    const [trial] = resolve({ model_type: 'standard' }, { train: { max_steps: 40 } }).trials;
    const { alpha, llm, eval_steps, dropout } = trial?.settings ?? {};
    assert.deepEqual([alpha, llm, eval_steps, dropout], [null, null, 40, 0.1]);
    assert.ok(!('checkpoint_steps' in (trial?.settings ?? {})));
  });

  it('reads the teacher under task_prefix and under llm, and only then', () => {
    const { trials } = resolve({ label_type: ['gt', 'llm'], model_type: ['standard', 'task_prefix'] });
    assert.deepEqual(
      trials.map(({ settings, dataset }) => [
        settings.llm,
        dataset.files.filter(({ role }) => role === 'teacher').length,
      ]),
      [
        [null, 0],
        ['palm', 1],
        ['palm', 1],
        ['palm', 1],
      ],
    );
  });

  it('with random weights reads no weights, so that another model of the same shape is the same', () => {
    const other = modelFactsOf({ weights: [], weightsProblem: problemOf('none') }, 'a');
    const { trials, rejected } = resolve(
      { models: ['a', 'z'], init: 'random' },
      {},
      { models: [...MODELS, ['z', other]] },
    );
    assert.deepEqual([trials.length, rejected.length], [1, 0]);
    assert.deepEqual(
      trials[0]?.model.files.map(({ role }) => role),
      ['config'],
    );
  });

  it('shares its sources with the others', () => {
    const { trials } = resolve({ seeds: [0, 1, 2] });
    assert.equal(new Set(trials.map(({ dataset }) => dataset)).size, 1);
    assert.equal(new Set(trials.map(({ model }) => model)).size, 1);
  });

  it('has the id of another exactly when all that training reads is equal', () => {
    const one = <T>(...values: T[]) => fc.constantFrom(...values);
    const point = fc.record({
      models: one('a', 'b', 'copy-of-a'),
      datasets: one('cqa', 'own', 'copy-of-own'),
      label_type: one('gt', 'llm'),
      model_type: one('standard', 'task_prefix'),
      llm: one('palm', 'gpt'),
      alpha: one(0, 0.5),
      seeds: one(0, 1),
      eval_steps: one(10, 20),
      max_steps: one(10, 40),
      init: one('pretrained', 'random'),
      dropout: one(0, 0.1),
    });
    fc.assert(
      fc.property(point, point, (left, right) => {
        const [a, b] = [left, right].map((grid) => resolve(grid).trials[0]);
        assert.ok(a !== undefined && b !== undefined);
        const read = ({ settings: { model: _, dataset: __, ...rest }, model, dataset }: typeof a) => ({
          rest,
          model: model.files,
          dataset: { ...dataset, directory: '' },
        });
        const isEqual = JSON.stringify(read(a)) === JSON.stringify(read(b));
        assert.equal(a.trialId === b.trialId, isEqual);
      }),
      { numRuns: 500 },
    );
  });
});

/** Why, the grid, what is known, and the reason given. */
const REJECTIONS: readonly [string, object, Parameters<typeof resolve>[2], RegExp][] = [
  ['a model with a problem', {}, { models: [['a', modelFactsOf({ problem: problemOf('no model') })]] }, /^no model$/],
  [
    'weights with a problem',
    {},
    { models: [['a', modelFactsOf({ weightsProblem: problemOf('no weights') })]] },
    /^no weights$/,
  ],
  [
    'a dataset with a problem',
    {},
    { datasets: [['cqa', datasetFactsOf({ problem: problemOf('no rows') })]] },
    /^no rows$/,
  ],
  ['a teacher with a problem', {}, teacherWith({ rationales: problemOf('no outputs') }), /^no outputs$/],
  [
    "a teacher's labels with a problem",
    { model_type: 'standard', label_type: 'llm' },
    teacherWith({ labels: problemOf('no labels') }),
    /^no labels$/,
  ],
  [
    'no teacher for rationales',
    { llm: 'none' },
    {},
    /llm is none, and model_type task_prefix reads a teacher's outputs/,
  ],
  [
    'no teacher for labels',
    { llm: 'none', model_type: 'standard', label_type: 'llm' },
    {},
    /llm is none, and label_type llm/,
  ],
  [
    'nothing left to train on',
    { subsample: 0.001 },
    {},
    /no row of "cqa" is left to train on: 100 read, 0 after subsample 0.001/,
  ],
  ['one row, split off as valid', { subsample: 0.01 }, {}, /no row of "cqa" is left/],
];

function teacherWith(changes: object): Parameters<typeof resolve>[2] {
  return { datasets: [['cqa', datasetFactsOf({ teachers: { palm: { ...teacherFactsOf('x'), ...changes } } })]] };
}

describe('a cell that cannot run', () => {
  for (const [what, grid, facts, reason] of REJECTIONS) {
    it(`is rejected with the reason: ${what}`, () => {
      const { trials, rejected, requested } = resolve(grid, {}, facts);
      assert.deepEqual([trials.length, rejected.length, requested], [0, 1, 1]);
      assert.match(rejected[0]?.message ?? '', reason);
    });
  }

  it('is rejected for the first reason, and the others are told too', () => {
    const facts = {
      models: [['a', modelFactsOf({ problem: problemOf('no model') })]],
      datasets: [['cqa', datasetFactsOf({ problem: problemOf('no rows') })]],
    } as const;
    const [cell] = resolve({}, {}, facts).rejected;
    assert.deepEqual([cell?.message, cell?.further.map(({ message }) => message)], ['no model', ['no rows']]);
  });

  it('leaves cells alone that do not read what is wrong', () => {
    const facts = teacherWith({ rationales: problemOf('no outputs'), labels: problemOf('no outputs') });
    const { trials, rejected } = resolve(
      { label_type: ['gt', 'llm'], model_type: ['standard', 'task_prefix'] },
      {},
      facts,
    );
    assert.deepEqual([trials.length, rejected.length], [1, 3]);
  });

  it('is none when its valid rows are a file of their own and one row is left', () => {
    const facts = datasetFactsOf();
    const valid = { ...facts.source.files[0], role: 'valid' } as (typeof facts.source.files)[number];
    const source = { ...facts.source, files: [...facts.source.files, valid] };
    const { trials } = resolve({ subsample: 0.01 }, {}, { datasets: [['cqa', { ...facts, source }]] });
    assert.equal(trials.length, 1);
  });
});
