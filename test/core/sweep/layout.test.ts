import assert from 'node:assert/strict';
import { autoLayout, layoutOf, layoutProblem, layoutText } from '../../../orchestrator/core/sweep/layout.js';
import { SpecError } from '../../../orchestrator/core/sweep/spec-error.js';
import { parseSweepValue } from '../../../orchestrator/core/sweep/sweep-spec.js';

const on = (devices: number, machines = 1) => ({ devices, machines });

describe('a layout in a sweep file', () => {
  const GOOD: readonly (readonly [unknown, string])[] = [
    ['auto', 'auto'],
    ['4x2', '4x2'],
    [{ shard: 4, tensor: 2 }, '4x2'],
    [{ tensor: 2 }, '1x2'],
    [{ shard: 8 }, '8x1'],
  ];
  for (const [written, text] of GOOD) {
    it(`may be ${JSON.stringify(written)}`, () => assert.equal(layoutText(written), text));
  }
  for (const written of [
    '4 x 2',
    'x2',
    '0x1',
    4,
    {},
    { shard: 0 },
    { shard: 1.5 },
    { data: 2, shard: 2 },
    [2, 2],
    null,
  ]) {
    it(`is not ${JSON.stringify(written)}`, () => assert.equal(layoutText(written), null));
  }

  const specOf = (train: object, grid: object = {}) =>
    parseSweepValue({ sweep: 'a', grid: { models: ['m'], datasets: ['d'], ...grid }, train }, 'grid.yaml');

  it('is one value of each cell, and may be an axis', () => {
    assert.deepEqual(specOf({ devices: 4, layout: { shard: 2, tensor: 2 } }).axes.layout, ['2x2']);
    assert.deepEqual(specOf({ devices: 4 }, { layout: ['auto', { tensor: 4 }] }).axes.layout, ['auto', '1x4']);
    assert.deepEqual(specOf({}).axes.layout, ['auto']);
  });

  it('that is none says what was expected', () => {
    assert.throws(
      () => specOf({ layout: { shard: 2, tensors: 2 } }),
      (error) => {
        assert.ok(error instanceof SpecError);
        assert.deepEqual(
          error.issues.map(({ path, message }) => `${path}: ${message}`),
          ['train.layout: expected auto or {shard: 2, tensor: 1}, got a mapping'],
        );
        return true;
      },
    );
  });

  it('is none twice on an axis, however it is written', () => {
    assert.throws(() => specOf({}, { layout: ['1x2', { tensor: 2 }] }), /expected each value once/);
  });
});

describe('the devices of a trial', () => {
  it('can be laid out by what divides them', () => {
    for (const [text, need] of [
      ['2x2', on(4)],
      ['2x2', on(2, 2)],
      ['1x2', on(4)],
      ['8x1', on(1, 8)],
    ] as const) {
      assert.equal(layoutProblem(layoutOf(text) ?? { shard: 0, tensor: 0 }, need), null, text);
    }
  });

  it('cannot be laid out by more than there are', () => {
    assert.deepEqual(layoutProblem({ shard: 4, tensor: 2 }, on(2, 2)), {
      message: 'layout: shard 4 x tensor 2 is for 8 devices or a multiple, the trial has 4 (2 devices x 2 machines)',
      hint: 'set devices to 4, or layout: auto',
    });
  });

  it('divide layers on one machine alone', () => {
    assert.match(layoutProblem({ shard: 1, tensor: 2 }, on(1, 2))?.message ?? '', /does not divide the 1 devices/);
  });

  it('share the rows of weights by themselves, and layers once there are fewer rows of a batch than devices', () => {
    assert.deepEqual(autoLayout(on(8), { heads: 12, batchRows: 64 }), { shard: 8, tensor: 1 });
    assert.deepEqual(autoLayout(on(8), { heads: 12, batchRows: 4 }), { shard: 4, tensor: 2 });
    assert.deepEqual(autoLayout(on(8, 2), { heads: 12, batchRows: 4 }), { shard: 4, tensor: 4 });
    // Twelve heads are not divided by eight.
    assert.deepEqual(autoLayout(on(8), { heads: 12, batchRows: 1 }), { shard: 2, tensor: 4 });
  });
});
