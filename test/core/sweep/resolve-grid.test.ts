import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type ResolvedGrid, resolveGrid } from '../../../orchestrator/core/sweep/resolve-grid.js';
import { RUN_NAMES } from '../../../orchestrator/core/sweep/settings.js';
import type { DatasetFacts, ModelFacts } from '../../../orchestrator/core/sweep/source-facts.js';
import { parseSweepValue } from '../../../orchestrator/core/sweep/sweep-spec.js';
import { datasetFactsOf, folderFactsOf, modelFactsOf, problemOf, teacherFactsOf } from '../../support/sources.js';

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
  ['taught', taughtBy('ada', 'gpt')],
];

/** A user's own dataset whose rows hold the outputs of several teachers. */
function taughtBy(...names: readonly string[]): DatasetFacts {
  const fieldsOf = (name: string) => ({ rationale: `${name}_rationale`, llm_label: `${name}_label` });
  const teachers = names.map((name) => [name, { ...teacherFactsOf(name), files: [], fields: fieldsOf(name) }]);
  return { ...folderFactsOf('taught'), declaredTeachers: names, teachers: Object.fromEntries(teachers) };
}

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
  [{ datasets: 'taught', model_type: 'standard', llm: ['ada', 'x'] }, {}, 'llm has no effect under standard with gt'],
  [{ model_type: 'single_task', alpha: [0.3, 0.5] }, {}, 'alpha has no effect under single_task'],
  [{ model_type: 'single_task', gen_max_len: [32, 64] }, {}, 'gen_max_len is 256 under single_task'],
  [{ lora_rank: [8, 16] }, {}, 'lora_rank has no effect without an adapter'],
  [{ lora_alpha: [8, 16] }, {}, 'lora_alpha has no effect without an adapter'],
  [{ checkpoint_steps: [0, 10] }, {}, 'checkpoint_steps changes no result'],
  [{ keep_checkpoints: [false, true] }, {}, 'keep_checkpoints changes no result'],
  [{ keep: ['none', 'best'] }, {}, 'keep changes no result'],
  [{ output_rationale: [false, true] }, {}, 'output_rationale changes no result'],
  [{ micro_batches: [0, 4] }, {}, 'micro_batches changes no result'],
  [{ compile: ['auto', 'off'] }, {}, 'compile changes no result'],
  [{ gradient_checkpointing: ['auto', 'on'] }, {}, 'gradient_checkpointing changes no result'],
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
    assert.deepEqual(
      RUN_NAMES.filter((name) => name in (trial?.settings ?? {})),
      [],
    );
  });

  it('has what an adapter needs, and only with one', () => {
    const { trials } = resolve({ adapter: ['none', 'lora'] }, { train: { lora_rank: 4, optimizer: 'adamw8bit' } });
    assert.deepEqual(
      trials.map(({ settings: { adapter, lora_rank, lora_alpha, optimizer } }) => [
        adapter,
        lora_rank,
        lora_alpha,
        optimizer,
      ]),
      [
        ['none', null, null, 'adamw8bit'],
        ['lora', 4, 32, 'adamw8bit'],
      ],
    );
  });

  it('of a single task has no alpha and room for a rationale in its outputs, and reads the teacher', () => {
    const [trial] = resolve({ model_type: 'single_task' }).trials;
    const { alpha, gen_max_len, llm } = trial?.settings ?? {};
    assert.deepEqual([alpha, gen_max_len, llm], [null, 256, 'palm']);
    assert.equal(trial?.dataset.files.at(-1)?.role, 'teacher');
  });

  it('is run as its cell asks', () => {
    const train = {
      checkpoint_steps: 10,
      keep: 'last',
      micro_batches: 4,
      compile: 'off',
      gradient_checkpointing: 'on',
      devices: 2,
    };
    assert.deepEqual(resolve({}, { train }).trials[0]?.run, {
      directory: null,
      checkpointSteps: 10,
      keepCheckpoints: false,
      keep: 'last',
      outputRationale: false,
      microBatches: 4,
      compile: 'off',
      gradientCheckpointing: 'on',
      shard: 0,
      tensor: 0,
      optimizerStates: 'device',
      devices: 2,
      machines: 1,
      minMachines: 1,
      memoryBytes: 0,
    });
  });

  it('keeps what any of its cells wants kept, and is otherwise run as the first asks', () => {
    const overrides = [
      { when: { lora_rank: 4 }, set: { checkpoint_steps: 10 } },
      { when: { lora_rank: 8 }, set: { checkpoint_steps: 20, keep: 'best', output_rationale: true } },
      { when: { lora_rank: 16 }, set: { keep: 'last', keep_checkpoints: true } },
    ];
    const { trials } = resolve({ lora_rank: [4, 8, 16] }, { overrides });
    const { checkpointSteps, keep, keepCheckpoints, outputRationale } = trials[0]?.run ?? {};
    assert.deepEqual(
      [trials.length, checkpointSteps, keep, keepCheckpoints, outputRationale],
      [1, 10, 'best', true, true],
    );
  });

  it('keeps rationales only of a method that explains', () => {
    const methods = ['standard', 'task_prefix', 'single_task'];
    const { trials } = resolve({ model_type: methods }, { train: { output_rationale: true } });
    assert.deepEqual(
      trials.map(({ settings, run }) => [settings.model_type, run.outputRationale]),
      [
        ['standard', false],
        ['task_prefix', true],
        ['single_task', true],
      ],
    );
  });

  it('reads the fields of the teacher that it names, where a dataset has several', () => {
    const { trials } = resolve({ datasets: 'taught', llm: ['ada', 'gpt'] });
    assert.deepEqual(
      trials.map(({ settings: { llm }, dataset: { fields } }) => [llm, fields['rationale']]),
      [
        ['ada', 'ada_rationale'],
        ['gpt', 'gpt_rationale'],
      ],
    );
    const [standard] = resolve({ datasets: 'taught', model_type: 'standard' }).trials;
    assert.deepEqual([standard?.settings.llm, standard?.dataset.fields], [null, {}]);
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
      model_type: one('standard', 'task_prefix', 'single_task'),
      llm: one('palm', 'gpt'),
      alpha: one(0, 0.5),
      seeds: one(0, 1),
      eval_steps: one(10, 20),
      max_steps: one(10, 40),
      init: one('pretrained', 'random'),
      dropout: one(0, 0.1),
      adapter: one('none', 'lora'),
      lora_rank: one(8, 16),
      keep: one('none', 'best'),
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
    'no teacher for a rationale before the label',
    { llm: 'none', model_type: 'single_task' },
    {},
    /llm is none, and model_type single_task reads/,
  ],
  ['a teacher that the release has not', { llm: 'plam' }, {}, /^llm is plam, and dataset "cqa" has no teacher of that/],
  ['a teacher named like what every object has', { llm: 'constructor' }, {}, /^llm is constructor, and dataset "cqa"/],
  ['the default teacher, which a dataset has not', { datasets: 'taught' }, {}, /^llm is palm, and dataset "taught"/],
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

  it('is told which teachers there are, and which was probably meant', () => {
    const hintOf = (grid: object) => resolve(grid).rejected[0]?.hint;
    assert.equal(hintOf({ llm: 'plam' }), 'did you mean palm? choose llm palm or gpt, or exclude the cell');
    assert.equal(hintOf({ datasets: 'taught' }), 'choose llm ada or gpt, or exclude the cell');
  });

  it('is rejected with the place of the value that cannot be: an axis, train, an override, else the dataset', () => {
    const pathOf = (grid: object, rest: object = {}) => resolve(grid, rest).rejected[0]?.path;
    assert.deepEqual(pathOf({ llm: ['palm', 'plam'] }), ['grid', 'llm', 1]);
    assert.deepEqual(pathOf({}, { train: { llm: 'plam' } }), ['train', 'llm']);
    const overrides = ['plam', 'plum'].map((llm) => ({ when: { models: 'a' }, set: { llm } }));
    assert.deepEqual(pathOf({}, { overrides }), ['overrides', 1, 'set', 'llm']);
    assert.deepEqual(pathOf({ datasets: ['cqa', 'taught'] }), ['grid', 'datasets', 1]);
  });

  const tooFew: readonly (readonly [object, RegExp])[] = [
    [{ min_machines: 2 }, /^min_machines: 2 is more than machines: 1$/],
    [{ machines: 4, min_machines: 5 }, /^min_machines: 5 is more than machines: 4$/],
    [
      { machines: 4, min_machines: 2, layout: '2x1' },
      /^min_machines: 2: with 3 of 4 machines, layout: shard 2 x tensor 1 is for 2 devices or a multiple, the trial has 3/,
    ],
    [
      { devices: 2, machines: 2, min_machines: 1, layout: '4x1' },
      /^min_machines: 1: with 1 of 2 machines, layout: shard 4/,
    ],
  ];
  for (const [train, reason] of tooFew) {
    it(`is rejected where it could not go on with the machines that may be left: ${JSON.stringify(train)}`, () => {
      const [cell] = resolve({}, { train }).rejected;
      assert.ok(cell?.code === 'SPEC_INVALID');
      assert.match(cell.message, reason);
      assert.notEqual(cell.hint, '');
    });
  }

  it('goes on with as few machines as it says, of any layout that divides them, and by itself with all', () => {
    const least = (train: object) => resolve({}, { train }).trials[0]?.run.minMachines;
    assert.deepEqual([least({}), least({ machines: 4 }), least({ machines: 4, min_machines: 2 })], [1, 4, 2]);
    assert.equal(least({ devices: 4, machines: 3, min_machines: 1, layout: '2x2' }), 1);
    assert.equal(least({ devices: 2, machines: 2, min_machines: 2, layout: '4x1' }), 2);
  });

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
