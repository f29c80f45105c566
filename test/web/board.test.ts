import assert from 'node:assert/strict';
import type { CellSettings } from '../../orchestrator/core/records.js';
import { Board } from '../../orchestrator/web/board.js';
import { placesOf } from '../../orchestrator/web/cell-labels.js';
import { settingsOf } from '../support/records.js';
import { failureOf, trialIdOf } from '../support/trials.js';

const { seed: _, ...CELL } = settingsOf({});

function boardOf(trials: number): Board {
  const board = new Board('e', 0);
  for (let number = 0; number < trials; number += 1) {
    const waiting = { state: 'queued', attempts: 0, result: null, failure: null } as const;
    board.add({ trialId: trialIdOf(number), cell: CELL, seed: number, ...waiting });
  }
  board.complete();
  return board;
}

const begun = (number: number) =>
  ({ trialId: trialIdOf(number), state: 'running', attempt: 1, workerId: 'w', failure: null, result: null }) as const;

describe('a board', () => {
  it('tells once of what changed since a version, however often it changed, the oldest change first', () => {
    const board = boardOf(5);
    const { version } = board;
    board.apply(begun(3));
    board.apply(begun(1));
    board.apply({ ...begun(3), state: 'succeeded', result: { testAccuracy: 0.5, seconds: 2, environment: {} } });
    const { places, version: next } = board.after(version, 10);
    assert.deepEqual(places, [1, 3]);
    assert.deepEqual(board.row(3), [3, 2, 0.5, 1, -1, 2, 0]);
    assert.deepEqual(board.after(next, 10).places, []);
  });

  it('goes on where a limit ended, and leaves nothing out', () => {
    const board = boardOf(100);
    let { version } = board;
    for (const number of [9, 4, 7, 2]) board.apply(begun(number));
    const told: number[] = [];
    for (let each = 0; each < 4; each += 1) {
      const next = board.after(version, 1);
      told.push(...next.places);
      version = next.version;
    }
    assert.deepEqual(told, [9, 4, 7, 2]);
  });

  it('knows nothing of trials that are not its own', () => {
    assert.equal(boardOf(2).apply(begun(7)), false);
  });

  it('keeps the attempts of a trial that waits again, and forgets its result', () => {
    const board = boardOf(1);
    board.apply({ ...begun(0), attempt: 2, state: 'failed', failure: failureOf('user', 'NON_FINITE') });
    assert.equal(board.causes[0]?.code, 'NON_FINITE');
    board.apply({ ...begun(0), attempt: 0, state: 'queued' });
    assert.deepEqual(board.row(0), [0, 0, null, 2, -1, null, -1]);
  });

  it('numbers what results ran on by what can change a number, in the words of reports', () => {
    const board = boardOf(4);
    const ranOn = (number: number, environment: Readonly<Record<string, string>>) => {
      const result = { testAccuracy: 0.5, seconds: 2, environment };
      board.apply({ ...begun(number), state: 'succeeded', result });
      return board.row(number)[6];
    };
    const a100 = { device: 'cuda', device_name: 'NVIDIA A100', torch: '2.15.0', threads: '8' };
    assert.equal(board.row(0)[6], -1);
    assert.equal(ranOn(0, { ...a100, host: 'a' }), 0);
    assert.equal(ranOn(1, { ...a100, host: 'b', threads: '4' }), 0);
    assert.deepEqual(board.environments, [''], 'nothing to tell it from');
    assert.equal(ranOn(2, { ...a100, torch: '2.13.1' }), 1);
    assert.deepEqual(board.environments, ['torch 2.15.0', 'torch 2.13.1']);
    assert.equal(ranOn(3, { ...a100, device_name: 'NVIDIA H100' }), 2);
    assert.deepEqual(board.environments[2], 'torch 2.15.0, NVIDIA H100');
    assert.deepEqual(board.columns().environment, [0, 0, 1, 2]);
    board.apply({ ...begun(3), state: 'queued' });
    assert.equal(board.row(3)[6], -1, 'it has no result any more');
  });

  it('tells any number of environments apart, and has words for 500', () => {
    const board = boardOf(600);
    for (let number = 0; number < 600; number += 1) {
      const result = { testAccuracy: 0.5, seconds: 2, environment: { torch: `2.${number}` } };
      board.apply({ ...begun(number), state: 'succeeded', result });
    }
    assert.equal(new Set(board.columns().environment).size, 600);
    assert.equal(board.environments.length, 500);
  });

  it('lists at most 500 causes apart', () => {
    const board = boardOf(600);
    for (let number = 0; number < 600; number += 1) {
      const failure = { ...failureOf('user'), message: `at step ${number}` };
      board.apply({ ...begun(number), state: 'failed', failure });
    }
    assert.equal(board.causes.length, 500);
    assert.equal(board.causes[499]?.code, 'OTHER');
    assert.equal(board.row(599)[4], 499);
  });
});

describe('names of cells', () => {
  const cellOf = (changes: Partial<CellSettings>): CellSettings => {
    const { seed: _, ...settings } = settingsOf(changes);
    return settings;
  };

  it('say only what differs within the sweep', () => {
    const places = placesOf([
      cellOf({ model_type: 'standard', llm: null, alpha: null, lr: 1e-4 }),
      cellOf({ model_type: 'task_prefix', llm: 'palm', alpha: 0.5, lr: 5e-5 }),
    ]);
    assert.deepEqual(
      places.map(({ group, method }) => [group, method]),
      [
        ['cqa · lr 0.0001', 'standard'],
        ['cqa · lr 0.00005', 'step-by-step'],
      ],
    );
  });

  it('say alpha and teacher where there are several of them', () => {
    const methods = placesOf([
      cellOf({ model_type: 'task_prefix', llm: 'palm', alpha: 0.3 }),
      cellOf({ model_type: 'task_prefix', llm: 'gpt', alpha: 0.5 }),
      cellOf({ model_type: 'standard', llm: null, alpha: null }),
    ]).map(({ method }) => method);
    assert.deepEqual(methods, ['step-by-step · palm · alpha 0.3', 'step-by-step · gpt · alpha 0.5', 'standard']);
  });
});
