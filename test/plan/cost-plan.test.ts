import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEVICE_KINDS, type DeviceChoice } from '../../orchestrator/core/cost/device-kinds.js';
import type { RunOptions, Trial, TrialSettings } from '../../orchestrator/core/domain.js';
import { runOptionsOf } from '../../orchestrator/core/sweep/run-options.js';
import { DEFAULTS } from '../../orchestrator/core/sweep/settings.js';
import { type CostOptions, planCost } from '../../orchestrator/plan/cost-plan.js';
import { findMisfits } from '../../orchestrator/plan/misfits.js';
import { temporaryFolder } from '../support/dss.js';
import { SETTINGS } from '../support/planned-trials.js';

function choiceOf(name: string, count: number | null = null, pricePerHour: number | null = null): DeviceChoice {
  const kind = DEVICE_KINDS.get(name);
  assert.ok(kind !== undefined);
  return { kind: { ...kind, pricePerHour }, count };
}

/** Of a model and a dataset that are not on disk. */
function trialOf(changes: Partial<TrialSettings> = {}, run: Partial<RunOptions> = {}): Trial {
  const settings = { ...SETTINGS, ...changes };
  return {
    trialId: JSON.stringify(settings),
    settings,
    model: { directory: '', files: [] },
    dataset: { directory: '', layout: 'release', files: [], metric: 'text', fields: {}, templates: {}, choices: [] },
    run: { ...runOptionsOf(DEFAULTS), ...run },
  };
}

const options = (changes: Partial<CostOptions> = {}): CostOptions => ({
  choices: [choiceOf('a100-80', null, 2)],
  measured: [],
  trainRows: new Map(),
  ...changes,
});

describe('what a plan costs', () => {
  it('is worked out once for trials that cost the same', async () => {
    const trials = [trialOf(), trialOf({ seed: 1 }), trialOf({ label_type: 'llm' }), trialOf({ alpha: 0.3 })];
    const { kinds } = await planCost([...trials, trialOf({ alpha: 1 }), trialOf({ batch_size: 32 })], options());
    assert.deepEqual(
      kinds.map((kind) => kind.trials),
      [4, 1, 1],
    );
  });

  it('is summed over trials and devices, with a price', async () => {
    const { kinds, sums } = await planCost([trialOf(), trialOf({ seed: 1 })], options());
    const seconds = kinds[0]?.places[0]?.time?.seconds ?? 0;
    const { deviceHours = 0, price = 0 } = sums[0]?.sum ?? {};
    assert.ok(seconds > 60);
    assert.ok(Math.abs(deviceHours - (2 * seconds) / 3_600) < 1e-9);
    assert.equal(price, 2 * deviceHours);
  });

  it('has the rows that are left of the training split', async () => {
    const rowsOf = async (subsample: number, trainRows?: number) => {
      const known = new Map(trainRows === undefined ? [] : [['cqa', trainRows]]);
      const { kinds } = await planCost([trialOf({ subsample })], options({ trainRows: known }));
      return kinds[0]?.sizes?.trainRows;
    };
    // A tenth is split off for validation; both parts that are split off are rounded up.
    assert.equal(await rowsOf(1), 8_766);
    assert.equal(await rowsOf(0.125), 1_095);
    assert.equal(await rowsOf(1, 1_000), 900);
  });

  it('has room on disk for what is kept', async () => {
    const none = await planCost([trialOf()], options());
    assert.deepEqual([none.keptBytes, none.checkpointBytes], [0, 16 * 76_961_152]);
    const kept = await planCost([trialOf({}, { keep: 'best' }), trialOf({ seed: 1 }, { keep: 'best' })], options());
    assert.equal(kept.keptBytes, 2 * 4 * 76_961_152);
  });

  it('says of a model that nobody knows that it is not known', async () => {
    const { kinds, sums } = await planCost([trialOf({ model: 'mine/t5' })], options());
    assert.deepEqual([kinds[0]?.sizes, kinds[0]?.places], [null, []]);
    assert.deepEqual([sums[0]?.sum.unknown, sums[0]?.sum.deviceHours], [1, 0]);
  });

  it('is read from the config and the rows of what is on disk', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'own'));
    const config = { model_type: 't5', vocab_size: 100, d_model: 8, d_kv: 4, d_ff: 16, num_heads: 2, num_layers: 1 };
    writeFileSync(join(folder.path, 'config.json'), JSON.stringify(config));
    const row = `${JSON.stringify({ question: 'x'.repeat(40), label: 'yes', why: 'y'.repeat(80) })}\n`;
    writeFileSync(join(folder.path, 'own/train.jsonl'), row.repeat(10));
    const file = { sha256: '', sizeBytes: 10 * row.length } as const;
    const trial: Trial = {
      ...trialOf({ model: 'mine', dataset: 'own', max_steps: 10, eval_steps: 10 }),
      model: { directory: folder.path, files: [] },
      dataset: {
        directory: folder.path,
        layout: 'folder',
        files: [
          { ...file, path: 'own/train.jsonl', role: 'train' },
          { ...file, path: 'own/test.jsonl', role: 'test' },
        ],
        metric: 'text',
        fields: { label: 'label', rationale: 'why' },
        templates: { input: '{question}' },
        choices: [],
      },
    };
    const { kinds } = await planCost([trial], options());
    const { parameters, trainRows, tokensPerRow, lengthsFrom } = kinds[0]?.sizes ?? {};
    // Twice the input, the label, the rationale: each with its end.
    assert.deepEqual([trainRows, tokensPerRow, lengthsFrom], [9, 2 * 11 + 1.75 + 21, 'characters']);
    assert.equal(parameters, 100 * 8 + 4 * 64 + 2 * 128 + 16 + (8 * 64 + 2 * 128 + 24) + 2 * 32 * 2 + 16);
  });
});

describe('a trial that fits nowhere', () => {
  const XXL = { model: 'google/t5-v1_1-xxl', precision: 'bf16' } as const;

  it('is found, with its like, and with what would help', async () => {
    const trials = [trialOf(XXL), trialOf({ ...XXL, seed: 1 }), trialOf()];
    const found = await findMisfits(trials, [choiceOf('l4', 2), choiceOf('a100-80', 8)]);
    assert.deepEqual(
      found.map((misfit) => [misfit.trial, misfit.trials, misfit.choice.kind.name, misfit.devices]),
      [[trials[0], 2, 'a100-80', 4]],
    );
    assert.ok((found[0]?.bytes ?? 0) > 178e9);
  });

  it('is one too that fits on its machines, and not on those that it may go on with', async () => {
    const found = (run: Partial<RunOptions>) => findMisfits([trialOf(XXL, run)], [choiceOf('a100-80', 8)]);
    const [misfit, ...others] = await found({ machines: 4, minMachines: 1 });
    assert.deepEqual([misfit?.left, others], [1, []]);
    assert.deepEqual(await found({ machines: 4, minMachines: 4 }), []);
    const { kinds } = await planCost([trialOf(XXL, { machines: 4, minMachines: 1 })], options());
    const { fit, fewest } = kinds[0]?.places[0] ?? {};
    assert.deepEqual([fit?.fits, fit?.devices, fewest?.fits, fewest?.devices], [true, 4, false, 1]);
  });

  it('is none where one device has nobody known memory', async () => {
    const { kind } = choiceOf('l4');
    assert.deepEqual(await findMisfits([trialOf(XXL)], [{ kind: { ...kind, memoryBytes: 0 }, count: 1 }]), []);
    assert.deepEqual(await findMisfits([trialOf(XXL)], []), []);
  });

  it('is none by less than the prediction may be wrong', async () => {
    const { kind } = choiceOf('l4');
    const sized = (memoryBytes: number) => findMisfits([trialOf()], [{ kind: { ...kind, memoryBytes }, count: 1 }]);
    // Weights, gradients and moments alone are 1.23 GB.
    assert.equal((await sized(1.35e9)).length, 0);
    assert.equal((await sized(1.0e9)).length, 1);
  });
});
