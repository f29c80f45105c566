import assert from 'node:assert/strict';
import fc from 'fast-check';
import { countCells, expandGrid, idleConditions } from '../../../orchestrator/core/sweep/grid.js';
import { parseSweepValue } from '../../../orchestrator/core/sweep/sweep-spec.js';

const specOf = (grid: object, rest: object = {}) =>
  parseSweepValue({ sweep: 'a', grid: { models: ['m'], datasets: ['d'], ...grid }, ...rest }, '');

const AXES = fc.record(
  {
    models: fc.uniqueArray(fc.constantFrom('m1', 'm2', 'm3'), { minLength: 1 }),
    datasets: fc.uniqueArray(fc.constantFrom('cqa', 'svamp'), { minLength: 1 }),
    label_type: fc.uniqueArray(fc.constantFrom('gt', 'llm'), { minLength: 1 }),
    seeds: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 3 }),
    alpha: fc.uniqueArray(fc.constantFrom(0.1, 0.5), { minLength: 1 }),
  },
  { requiredKeys: ['models', 'datasets'], noNullPrototype: true },
);

describe('a grid', () => {
  it('is expanded with the model changing slowest and the seed fastest, each in the order of the file', () => {
    const spec = specOf({
      seeds: [1, 0],
      subsample: [1, 0.5],
      model_type: ['standard', 'task_prefix'],
      models: ['b', 'a'],
    });
    const cells = [...expandGrid(spec)].map(({ asked: { model, model_type, subsample, seed } }) =>
      [model, model_type, subsample, seed].join(' '),
    );
    assert.deepEqual(cells.slice(0, 5), [
      'b standard 1 1',
      'b standard 1 0',
      'b standard 0.5 1',
      'b standard 0.5 0',
      'b task_prefix 1 1',
    ]);
    assert.equal(cells.at(-1), 'a task_prefix 0.5 0');
  });

  it('has as many different cells as its product says, in an order that the order of keys does not change', () => {
    fc.assert(
      fc.property(AXES, fc.infiniteStream(fc.nat()), (axes, random) => {
        const cells = [...expandGrid(specOf(axes))];
        assert.equal(BigInt(cells.length), countCells(specOf(axes)));
        assert.equal(new Set(cells.map(({ asked }) => JSON.stringify(asked))).size, cells.length);
        const shuffled = Object.entries(axes)
          .map((entry) => [random.next().value, entry] as const)
          .sort(([a], [b]) => a - b)
          .map(([, entry]) => entry);
        const value = { grid: Object.fromEntries(shuffled), sweep: 'a' };
        assert.deepEqual([...expandGrid(parseSweepValue(value, ''))], cells);
      }),
    );
  });

  it('is counted before it is expanded, and exactly, however large', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => i + 1);
    const spec = specOf({ seeds: many, max_steps: many, batch_size: many, eval_steps: many });
    assert.equal(countCells(spec), 10n ** 20n);
    assert.throws(() => expandGrid(spec).next(), {
      code: 'GRID_TOO_LARGE',
      message: 'the grid of a has 100,000,000,000,000,000,000 cells; at most 1,000,000 are planned',
    });
  });

  it('leaves out what is excluded: all conditions of one entry, or any entry', () => {
    const exclude = [{ label_type: 'llm', seeds: [0, 1] }, { seeds: 2 }];
    const cells = [...expandGrid(specOf({ label_type: ['gt', 'llm'], seeds: [0, 1, 2, 3] }, { exclude }))];
    assert.deepEqual(
      cells.map(({ asked }) => `${asked.label_type} ${asked.seed}`),
      ['gt 0', 'gt 1', 'gt 3', 'llm 3'],
    );
  });

  it('takes conditions on settings that are no axis', () => {
    assert.deepEqual([...expandGrid(specOf({}, { train: { lr: 0.1 }, exclude: [{ lr: 0.1 }] }))], []);
  });

  it('is changed by overrides: later ones win, and conditions look at the cell as asked', () => {
    const overrides = [
      { when: { models: 'm' }, set: { batch_size: 16, lr: 1 } },
      { when: { batch_size: 64 }, set: { lr: 3 } },
      { when: { seeds: 1 }, set: { lr: 2 } },
    ];
    const cells = [...expandGrid(specOf({ seeds: [0, 1] }, { overrides }))];
    assert.deepEqual(
      cells.map(({ settings }) => [settings.batch_size, settings.lr]),
      [
        [16, 3],
        [16, 2],
      ],
    );
    assert.deepEqual(
      cells[1]?.applied.map(({ rule }) => rule),
      ['overrides[0] sets batch_size', 'overrides[0] sets lr', 'overrides[1] sets lr', 'overrides[2] sets lr'],
    );
  });

  it('knows conditions that others leave no cell', () => {
    const overrides = [
      { when: { label_type: 'llm', seeds: 1 }, set: { lr: 1 } },
      { when: { label_type: 'llm' }, set: { lr: 2 } },
    ];
    const exclude = [{ seeds: 1 }, { label_type: ['gt', 'llm'], seeds: 1 }, { label_type: 'gt', seeds: [0, 1] }];
    const spec = specOf({ label_type: ['gt', 'llm'], seeds: [0, 1] }, { overrides, exclude });
    assert.deepEqual(idleConditions(spec), [
      ['overrides', 0, 'when'],
      ['exclude', 1],
    ]);
    assert.deepEqual(idleConditions(specOf({ seeds: [0, 1] }, { overrides: [{ when: { seeds: 1 }, set: {} }] })), []);
  });
});
