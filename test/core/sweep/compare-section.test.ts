import assert from 'node:assert/strict';
import { type DeclaredComparison, readComparisons } from '../../../orchestrator/core/sweep/compare-section.js';
import { SpecError } from '../../../orchestrator/core/sweep/spec-error.js';
import { parseSweepValue } from '../../../orchestrator/core/sweep/sweep-spec.js';

const GRID = {
  models: ['m', 'n'],
  datasets: ['cqa', 'svamp'],
  model_type: ['standard', 'task_prefix'],
  alpha: [0.3, 0.5],
};
const METHODS = { model_type: ['task_prefix', 'standard'] };

const specOf = (compare: unknown, more: object = {}) =>
  parseSweepValue({ sweep: 'a', grid: GRID, ...more, compare }, 'x.yaml');

function issuesOf(compare: unknown): readonly string[] {
  try {
    specOf(compare);
  } catch (error) {
    assert.ok(error instanceof SpecError);
    return error.issues.map(({ path, message, hint }) => `${path}: ${message}${hint === '' ? '' : ` (${hint})`}`);
  }
  return [];
}

describe('what a sweep file declares to compare', () => {
  it('is one setting an entry, with its values, among some cells or all, by seeds or by rows', () => {
    const compare = [METHODS, { alpha: [0.3, 0.5], where: { datasets: 'cqa', models: ['m'] }, pair_by: 'row' }];
    const expected: readonly DeclaredComparison[] = [
      { setting: 'model_type', values: ['task_prefix', 'standard'], where: {}, pairedBy: 'seed' },
      { setting: 'alpha', values: [0.3, 0.5], where: { dataset: ['cqa'], model: ['m'] }, pairedBy: 'row' },
    ];
    assert.deepEqual(specOf(compare).compare, expected);
  });

  it('travels with the submission, and is read back as it was', () => {
    const spec = specOf([METHODS]);
    const stored = JSON.parse(JSON.stringify(spec.run.options.compare));
    assert.deepEqual(readComparisons(stored), spec.compare);
    assert.equal(specOf(null).run.options.compare, null);
    assert.deepEqual(readComparisons(null), []);
    assert.equal(readComparisons([{ setting: 'seed', values: [1, 2], where: {}, pairedBy: 'seed' }]), null);
  });

  it('changes nothing else of the sweep', () => {
    const { compare: _1, run: _2, ...declared } = specOf([METHODS]);
    const { compare: _3, run: _4, ...plain } = specOf(undefined);
    assert.deepEqual(declared, plain);
  });

  it('may name what an override sets', () => {
    const overrides = [{ when: { models: 'n' }, set: { lr: 0.1 } }];
    assert.equal(specOf([{ lr: [0.1, 5e-5] }], { overrides }).compare[0]?.setting, 'lr');
  });
});

const MISTAKES: readonly [string, unknown, RegExp][] = [
  ['no list', METHODS, /^compare: expected a list, got a mapping$/],
  ['an empty entry', [{}], /^compare\[0\]: expected one setting to compare, found 0, got an empty mapping$/],
  ['two settings', [{ ...METHODS, alpha: [0.3, 0.5] }], /^compare\[0\]: expected one setting to compare, found 2/],
  ['one value', [{ alpha: [0.3] }], /^compare\[0\]\.alpha: expected at least 2 values, got a list$/],
  ['a value twice', [{ alpha: [0.3, 0.3] }], /^compare\[0\]\.alpha\[1\]: expected each value once, got 0\.3$/],
  ['no such value', [{ alpha: [0.3, 7] }], /^compare\[0\]\.alpha\[1\]: expected a number from 0 to 1, got 7$/],
  [
    'a value that no cell has',
    [{ alpha: [0.3, 0.9] }],
    /^compare\[0\]\.alpha\[1\]: expected values that the sweep has \(0\.3 and 0\.5\), got 0\.9 \(put it on the axis alpha/,
  ],
  [
    'a place that no cell has',
    [{ ...METHODS, where: { datasets: 'esnli' } }],
    /^compare\[0\]\.where\.datasets: expected/,
  ],
  [
    'what is compared among the conditions',
    [{ alpha: [0.3, 0.5], where: { alpha: 0.3 } }],
    /^compare\[0\]\.where\.alpha: expected other settings than alpha/,
  ],
  ['seeds, which pair', [{ seeds: [0, 1] }], /^compare\[0\]\.seeds: there is no key "seeds" here/],
  ['another word', [{ method: ['task_prefix', 'standard'] }], /\.method: there is no key .*model_type/],
  [
    'a pairing that there is not',
    [{ ...METHODS, pair_by: 'rows' }],
    /^compare\[0\]\.pair_by: .*seed or row.*\(did you mean row\?\)/,
  ],
];

describe('a mistake in what is to be compared', () => {
  for (const [what, compare, expected] of MISTAKES) {
    it(`is named with its place: ${what}`, () => {
      const issues = issuesOf(compare);
      assert.ok(
        issues.some((issue) => expected.test(issue)),
        issues.join('\n') || 'no issue',
      );
    });
  }
});
