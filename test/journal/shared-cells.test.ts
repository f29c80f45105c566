import assert from 'node:assert/strict';
import { stableJson } from '../../orchestrator/journal/json.js';
import { SharedCells } from '../../orchestrator/journal/shared-cells.js';
import { settingsOf } from '../support/records.js';

describe('cells that trials share', () => {
  it('are those of their settings, whatever the order of trials and the length of seeds', () => {
    const cells = new SharedCells();
    const asked = [1, 0.5].flatMap((subsample) => [0, 9, 10, 12_345].map((seed) => settingsOf({ subsample, seed })));
    const inTurns = asked.flatMap((settings, place) => [settings, asked.at(-1 - place) ?? settings]);
    const found = inTurns.map((settings) => cells.of(stableJson(settings), settings.seed));
    for (const [place, { seed: _, ...cell }] of inTurns.entries()) assert.deepEqual(found[place], cell);
    assert.equal(new Set(found).size, 2);
  });

  it('are told apart where nothing but what follows the seed differs, or nothing but what precedes it', () => {
    const cells = new SharedCells();
    const first = settingsOf({ seed: 3 });
    const all = [first, { ...first, subsample: 0.25 }, { ...first, dataset: 'other' }, first];
    const [a, b, c, again] = all.map((settings) => cells.of(stableJson(settings), settings.seed));
    assert.equal(new Set([a, b, c]).size, 3);
    assert.equal(a, again);
  });
});
