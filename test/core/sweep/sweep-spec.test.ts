import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LOCAL } from '../../../orchestrator/core/sweep/place.js';
import { SETTING_NAMES } from '../../../orchestrator/core/sweep/settings.js';
import { SpecError } from '../../../orchestrator/core/sweep/spec-error.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../../orchestrator/core/sweep/sweep-options.js';
import { parseSweepValue } from '../../../orchestrator/core/sweep/sweep-spec.js';

const GRID = { models: ['m'], datasets: ['cqa'] };

function issuesOf(value: unknown): readonly string[] {
  try {
    parseSweepValue(value, 'x.yaml');
  } catch (error) {
    assert.ok(error instanceof SpecError);
    return error.issues.map(({ path, message, hint }) => `${path}: ${message}${hint === '' ? '' : ` (${hint})`}`);
  }
  return [];
}

describe('a sweep', () => {
  it("has the release's defaults", () => {
    const { axes, overrides, exclude, run, varied } = parseSweepValue({ sweep: 'a', grid: GRID }, '');
    assert.deepEqual(
      Object.fromEntries(SETTING_NAMES.map((name) => [name, axes[name].length === 1 ? axes[name][0] : axes[name]])),
      {
        model: 'm',
        dataset: 'cqa',
        label_type: 'gt',
        model_type: 'task_prefix',
        llm: 'palm',
        alpha: 0.5,
        subsample: 1,
        max_steps: 10_000,
        eval_steps: 250,
        batch_size: 64,
        grad_steps: 1,
        lr: 5e-5,
        max_input_length: 1024,
        gen_max_len: 64,
        precision: 'fp32',
        dropout: null,
        select: 'valid',
        init: 'pretrained',
        optimizer: 'adamw',
        adapter: 'none',
        lora_rank: 16,
        lora_alpha: 32,
        checkpoint_steps: 0,
        keep_checkpoints: false,
        keep: 'none',
        output_rationale: false,
        micro_batches: 0,
        compile: 'auto',
        gradient_checkpointing: 'auto',
        devices: 1,
        machines: 1,
        min_machines: null,
        layout: 'auto',
        optimizer_states: 'device',
        seed: 0,
      },
    );
    assert.deepEqual(
      [overrides, exclude, run, varied],
      [
        [],
        [],
        { on: 'local', workers: 'auto', slots: 1, reuse: 'any', options: DEFAULT_SWEEP_OPTIONS },
        ['model', 'dataset'],
      ],
    );
  });

  it('says how it stands beside others, and when it is to stop by itself', () => {
    const budget = { wall_hours: 12, device_hours: 0.5, failed_trials: 3 };
    const run = { priority: -5, weight: 0.5, budget, reuse: 'same-environment' };
    const { options, reuse } = parseSweepValue({ sweep: 'a', grid: GRID, run }, '').run;
    assert.deepEqual(options, {
      priority: -5,
      weight: 0.5,
      budget: { wallHours: 12, deviceHours: 0.5, failedTrials: 3 },
      place: LOCAL,
      compare: null,
    });
    assert.equal(reuse, 'same-environment');
    const empty = { budget: { wall_hours: null } };
    assert.deepEqual(parseSweepValue({ sweep: 'a', grid: GRID, run: empty }, '').run.options, DEFAULT_SWEEP_OPTIONS);
  });

  it('takes a single value on an axis for a list of one', () => {
    const { axes } = parseSweepValue({ sweep: 'a', grid: { models: 'm', datasets: 'cqa', seeds: 1 } }, '');
    assert.deepEqual([axes.model, axes.dataset, axes.seed], [['m'], ['cqa'], [1]]);
  });

  it('takes bf16 for a precision, alone, as an axis and in an override', () => {
    const alone = parseSweepValue({ sweep: 'a', grid: GRID, train: { bf16: true } }, '');
    assert.deepEqual(alone.axes.precision, ['bf16']);
    const axis = parseSweepValue({ sweep: 'a', grid: { ...GRID, bf16: [false, true] } }, '');
    assert.deepEqual([axis.axes.precision, axis.varied.at(-1)], [['fp32', 'bf16'], 'precision']);
    const overrides = [{ when: { models: 'm' }, set: { bf16: true } }];
    const [override] = parseSweepValue({ sweep: 'a', grid: GRID, overrides }, '').overrides;
    assert.deepEqual(override, { when: { model: ['m'] }, set: { precision: 'bf16' } });
  });

  it('takes a section with nothing in it for one that is absent', () => {
    const value = { sweep: 'a', grid: GRID, train: null, overrides: null, exclude: null, run: null };
    assert.deepEqual(parseSweepValue(value, ''), parseSweepValue({ sweep: 'a', grid: GRID }, ''));
  });

  it('allows repeats in conditions, and values of settings that are no axis: of train, and defaults', () => {
    const exclude = [{ datasets: ['cqa', 'cqa'], lr: 0.1, label_type: 'gt' }];
    assert.deepEqual(parseSweepValue({ sweep: 'a', grid: GRID, train: { lr: 0.1 }, exclude }, '').exclude, [
      { dataset: ['cqa', 'cqa'], label_type: ['gt'], lr: [0.1] },
    ]);
  });
});

/** What is wrong, the value, and every issue it must give. */
const MISTAKES: readonly [string, unknown, readonly RegExp[]][] = [
  ['no mapping', 3, [/^: expected a mapping, got 3$/]],
  ['nothing', {}, [/^sweep: expected a name of .*; it is missing$/, /^grid: expected a mapping; it is missing$/]],
  [
    'no models',
    { sweep: 'a', grid: { datasets: ['cqa'] } },
    [/^grid\.models: expected a hub name or a directory; it is missing$/],
  ],
  [
    'a singular axis',
    { sweep: 'a', grid: { ...GRID, model: 'm' } },
    [/^grid\.model: there is no key "model" here \(did you mean models\?\)$/],
  ],
  [
    "the release's name of an axis",
    { sweep: 'a', grid: { ...GRID, from_pretrained: 'm' } },
    [/from_pretrained.*\(the axis is called models\)$/],
  ],
  [
    'an axis below train',
    { sweep: 'a', grid: GRID, train: { label_type: 'gt' } },
    [/train\.label_type.*\(it is an axis: put it below grid\)$/],
  ],
  [
    'a choice misspelt',
    { sweep: 'a', grid: { ...GRID, model_type: 'standrad' } },
    [/^grid\.model_type: expected standard or task_prefix or single_task, got "standrad" \(did you mean standard\?\)$/],
  ],
  [
    'a list for a choice',
    { sweep: 'a', grid: GRID, train: { select: ['valid'] } },
    [/^train\.select: expected valid or compat, got a list$/],
  ],
  [
    'words for a switch',
    { sweep: 'a', grid: GRID, train: { output_rationale: 'yes', keep_checkpoints: 1, compile: true } },
    [
      /^train\.output_rationale: expected true or false, got "yes"$/,
      /^train\.keep_checkpoints: expected true or false, got 1$/,
      /^train\.compile: expected auto or on or off, got true$/,
    ],
  ],
  [
    'something else to keep',
    { sweep: 'a', grid: GRID, train: { keep: 'bets' } },
    [/^train\.keep: expected none or last or best, got "bets" \(did you mean best\?\)$/],
  ],
  [
    'an adapter without room',
    { sweep: 'a', grid: GRID, train: { lora_rank: 0, lora_alpha: 0 } },
    [/^train\.lora_rank: expected a whole number from 1/, /^train\.lora_alpha: expected a number above 0, got 0$/],
  ],
  [
    'a teacher whose name is a path',
    { sweep: 'a', grid: { ...GRID, llm: ['../gpt'] } },
    [/^grid\.llm\[0\]: expected the name of a teacher, or none, got "\.\.\/gpt"$/],
  ],
  [
    'a dataset outside the folder',
    { sweep: 'a', grid: { ...GRID, datasets: ['../x'] } },
    [/^grid\.datasets\[0\]: expected the name of a folder/],
  ],
  [
    'an axis and a setting of the same name',
    { sweep: 'a', grid: { ...GRID, lr: [1] }, train: { lr: 2 } },
    [/^train\.lr: it is an axis of the grid already/],
  ],
  [
    'two names for the precision',
    { sweep: 'a', grid: GRID, train: { bf16: true, precision: 'fp32' } },
    [/^train\.bf16: bf16 and precision say the same/],
  ],
  [
    'bf16 beside an axis for it',
    { sweep: 'a', grid: { ...GRID, precision: ['fp32'] }, train: { bf16: true } },
    [/^train\.bf16: the grid has an axis for the precision already/],
  ],
  [
    'numbers out of range',
    { sweep: 'a', grid: { ...GRID, seeds: [-1, 2 ** 32, 1.5] } },
    [/seeds\[0\].*got -1$/, /seeds\[1\].*got 4294967296$/, /seeds\[2\].*got 1\.5$/],
  ],
  [
    'values that are no number',
    { sweep: 'a', grid: GRID, train: { lr: Number.NaN, alpha: Number.POSITIVE_INFINITY } },
    [/train\.(alpha|lr)/, /train\.(alpha|lr)/],
  ],
  [
    'a value twice',
    { sweep: 'a', grid: { ...GRID, alpha: [0.5, 0.3, 0.5] } },
    [/^grid\.alpha\[2\]: expected each value once, got 0\.5$/],
  ],
  [
    'an override without a condition',
    { sweep: 'a', grid: GRID, overrides: [{ set: { lr: 1 } }] },
    [/^overrides\[0\]\.when: expected a mapping; it is missing$/],
  ],
  [
    'an empty condition',
    { sweep: 'a', grid: GRID, exclude: [{}] },
    [/^exclude\[0\]: expected at least one axis, got an empty mapping$/],
  ],
  [
    'conditions with values that no cell is asked for',
    {
      sweep: 'a',
      grid: { ...GRID, seeds: [0, 1, 2, 3, 4, 5, 6], llm: ['opus', 'haiku'] },
      overrides: [
        { when: { seeds: 7 }, set: { lr: 1 } },
        { when: { lr: 1, label_type: ['gt', 'llm'] }, set: { lr: 2 } },
      ],
      exclude: [{ datasets: 'cqqa' }, { llm: ['opus', 'haku'] }],
    },
    [
      /^overrides\[0\]\.when\.seeds: expected values that the sweep has \(0, 1, 2, 3, 4 and 2 more\), got 7 \(put it on/,
      /^overrides\[1\]\.when\.label_type\[1\]: .*\(gt\), got "llm" \(label_type is no axis of this grid: list its values/,
      /^overrides\[1\]\.when\.lr: .*\(0\.00005\), got 1/,
      /^exclude\[0\]\.datasets: expected values that the sweep has \(cqa\), got "cqqa" \(did you mean cqa\?\)$/,
      /^exclude\[1\]\.llm\[1\]: .*\(opus and haiku\), got "haku" \(did you mean haiku\?\)$/,
    ],
  ],
  [
    'a lone seed, which may be a number of them',
    { sweep: 'a', grid: { ...GRID, seeds: 3 } },
    [
      /^grid\.seeds: expected a list: 3 could be the seed 3 or 3 seeds \(write \[3\] for the one, \[0, 1, 2\] for the other\)$/,
    ],
  ],
  [
    'seeds left empty',
    { sweep: 'a', grid: { ...GRID, seeds: null } },
    [/^grid\.seeds: expected a list of whole numbers, got nothing \(write \[0, 1, 2\] for three seeds\)$/],
  ],
  [
    'a range of seeds',
    { sweep: 'a', grid: { ...GRID, seeds: '0..4' } },
    [/^grid\.seeds: expected a list of whole numbers, got "0\.\.4" \(write \[0, 1, 2, 3, 4\]\)$/],
  ],
  [
    'a range of more seeds than anybody writes out',
    { sweep: 'a', grid: { ...GRID, seeds: '0-999' } },
    [/^grid\.seeds: expected a list of whole numbers, got "0-999" \(write \[0, 1, 2\] for three seeds\)$/],
  ],
  [
    'a larger one',
    { sweep: 'a', grid: { ...GRID, seeds: 50 } },
    [/^grid\.seeds: .*\(write \[50\] for the one, \[0, 1, …, 49\] for the other\)$/],
  ],
  [
    'names of other tools',
    { sweep: 'a', grid: { ...GRID, 'learning-rate': [1] }, train: { num_train_epochs: 3, save_steps: 10 } },
    [
      /^grid\.learning-rate: there is no key "learning-rate" here \(did you mean lr\?\)$/,
      /^train\.num_train_epochs: .*\(did you mean max_steps\? it counts optimizer steps, not epochs\)$/,
      /^train\.save_steps: .*\(did you mean checkpoint_steps\?\)$/,
    ],
  ],
  [
    'an override of what is no setting of train',
    { sweep: 'a', grid: GRID, overrides: [{ when: { models: 'm' }, set: { seeds: 1 } }] },
    [/^overrides\[0\]\.set\.seeds: there is no key/],
  ],
  [
    'a place to run that there is not',
    { sweep: 'a', grid: GRID, run: { on: 'moon', workers: 0, slots: 65 } },
    [
      /^run\.on: expected local or kubernetes or ray, got "moon"$/,
      /^run\.workers: expected auto or a whole number/,
      /^run\.slots: expected a whole number from 1 to 64, got 65$/,
    ],
  ],
  [
    'slots for workers of another place',
    { sweep: 'a', grid: GRID, run: { on: 'kubernetes', slots: 2 } },
    [/^run\.slots: expected nothing with on: kubernetes; it is for on: local/],
  ],
  [
    'a place beside others that there is not',
    { sweep: 'a', grid: GRID, run: { priority: 101, weight: 0, reuse: 'same_environment', budget: 3 } },
    [
      /^run\.priority: expected a whole number from -100 to 100, got 101$/,
      /^run\.weight: expected a number above 0 and at most 1000, got 0$/,
      /^run\.reuse: expected any or same-environment, got "same_environment" \(did you mean same-environment\?\)$/,
      /^run\.budget: expected a mapping, got 3$/,
    ],
  ],
  [
    'a budget of nothing',
    { sweep: 'a', grid: GRID, run: { budget: { wall_hours: 0, device_hours: '2', failed_trials: 1.5, wall_hour: 1 } } },
    [
      /^run\.budget\.wall_hours: expected a number of hours above 0, got 0$/,
      /^run\.budget\.device_hours: expected a number of hours above 0, got "2"$/,
      /^run\.budget\.failed_trials: expected a whole number from 1 to 1000000, got 1\.5$/,
      /^run\.budget\.wall_hour: there is no key "wall_hour" here \(did you mean wall_hours\?\)$/,
    ],
  ],
  [
    'mistakes everywhere',
    { sweep: 'A', grid: { models: [], sedes: 1 }, train: { lr: 'x', lrr: 1 }, run: 3, rnu: 1 },
    [
      /^sweep/,
      /^grid\.models/,
      /^grid\.datasets/,
      /^grid\.sedes/,
      /^train\.lr:/,
      /^train\.lrr/,
      /^run:/,
      /^rnu.*did you mean run/,
    ],
  ],
];

describe('a mistake in a sweep', () => {
  for (const [what, value, expected] of MISTAKES) {
    it(`is named with its path, what was expected and what came: ${what}`, () => {
      const issues = issuesOf(value);
      assert.equal(issues.length, expected.length, issues.join('\n'));
      for (const pattern of expected)
        assert.ok(
          issues.some((issue) => pattern.test(issue)),
          `${pattern}\n${issues.join('\n')}`,
        );
    });
  }

  it('is shown on one short line whatever was written', () => {
    const [issue = ''] = issuesOf({ sweep: `\u001b[2J\n${'x'.repeat(10_000)}`, grid: GRID });
    assert.ok(issue.length < 250 && !issue.includes('\n') && !issue.includes('\u001b'), issue);
  });

  it('never ends in anything but a list of issues', () => {
    fc.assert(
      fc.property(
        fc.object({
          maxDepth: 4,
          key: fc.constantFrom('sweep', 'grid', 'train', 'overrides', 'run', 'models', '__proto__'),
        }),
        (value) => {
          assert.ok(issuesOf(value).length > 0);
        },
      ),
    );
  });
});
