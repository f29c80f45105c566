import assert from 'node:assert/strict';
import type { TrialRecord } from '../../orchestrator/core/records.js';
import { foldCells } from '../../orchestrator/reports/cells.js';
import { dataCurves, type Saving, savingText } from '../../orchestrator/reports/figures/data-curves.js';
import { failed, succeeded } from '../support/records.js';

/** Accuracy grows by ten points with each doubling, and seeds differ by a point each. */
function trials(better: number, seeds: readonly number[]): readonly TrialRecord[] {
  return [0.25, 0.5, 1].flatMap((subsample) =>
    (['standard', 'task_prefix'] as const).flatMap((model_type) =>
      seeds.map((seed) => {
        const testAccuracy = 0.6 + Math.log2(subsample) / 10 + (model_type === 'standard' ? 0 : better) + seed / 100;
        return succeeded({ model_type, subsample, seed }, { testAccuracy });
      }),
    ),
  );
}

const savingOf = (records: readonly TrialRecord[]) => dataCurves(foldCells(records), [])[0]?.savings[0];

describe('the share of the data that is enough', () => {
  it('has an interval to other seeds, which pair', () => {
    const saving = savingOf(trials(0.05, [0, 1, 2, 3, 4]));
    assert.ok(saving?.interval);
    // Seeds move both curves alike, so that they cross at the same place whichever are drawn.
    const place = 2 ** -0.5;
    assert.ok(
      Math.abs((saving.interval.low ?? 0) - place) < 1e-9 && Math.abs((saving.interval.high ?? 0) - place) < 1e-9,
    );
    assert.match(
      savingText(saving),
      /^step-by-step needs 71 % \[71–71\] of the data for the 62\.00 % that standard training/,
    );
  });

  it('is marked in the figure, from what standard training has with all data down to the share that is enough', () => {
    const [curves] = dataCurves(foldCells(trials(0.05, [0, 1, 2, 3, 4])), []);
    const [crossing, ...others] = curves?.chart.crossings ?? [];
    assert.ok(crossing && others.length === 0);
    assert.deepEqual([crossing.name, crossing.fromX], ['step-by-step', 100]);
    assert.ok(Math.abs(crossing.x - 100 * 2 ** -0.5) < 1e-9 && Math.abs(crossing.y - 62) < 1e-9);
    const [worse] = dataCurves(foldCells(trials(-0.05, [0, 1, 2])), []);
    assert.deepEqual(worse?.chart.crossings, []);
  });

  it('has an interval whose ends may lie beyond the shares that were tried', () => {
    const noisy = trials(0.05, [0, 1, 2, 3, 4]).map((record) => {
      const { settings } = record.trial;
      if (settings.model_type === 'standard' || record.result === null) return record;
      const noise = [0.2, -0.2, 0.15, -0.15, 0][settings.seed] ?? 0;
      return { ...record, result: { ...record.result, testAccuracy: record.result.testAccuracy + noise } };
    });
    const saving = savingOf(noisy);
    assert.match(saving ? savingText(saving) : '', /^step-by-step needs 71 % \[≤25–>100\] of the data for/);
  });

  it('goes by the seeds that every cell has', () => {
    const gap = failed({ subsample: 0.5, seed: 5 });
    const more = trials(0.05, [0, 1, 2, 3, 4, 5]).filter(
      ({ trial: { settings } }) =>
        !(settings.seed === 5 && settings.subsample === 0.5 && settings.model_type !== 'standard'),
    );
    const saving = savingOf([...more, gap]);
    assert.ok(saving?.interval && saving.leastSeeds === 5);
    // With the missing one taken for 0, the interval would be wide.
    assert.ok((saving.interval.high ?? 9) - (saving.interval.low ?? 0) < 1e-9);
  });

  it('has none with three seeds, and says what other seeds may do where the mean curve does not cross', () => {
    assert.equal(savingOf(trials(0.05, [0, 1, 2]))?.interval, null);
    const noisy = trials(-0.01, [0, 1, 2, 3, 4]).map((record) => {
      const { settings } = record.trial;
      if (settings.model_type === 'standard' || record.result === null) return record;
      const noise = [0.1, -0.1, 0.1, -0.1, 0][settings.seed] ?? 0;
      return { ...record, result: { ...record.result, testAccuracy: record.result.testAccuracy + noise } };
    });
    const saving = savingOf(noisy);
    assert.ok(saving?.crossing.kind === 'never' && saving.interval?.high === null);
    assert.match(
      savingText(saving),
      /does not come to .*; the 95 % interval to other seeds goes from \d+ % of the data to more than was tried$/,
    );
  });

  it('says what is known of other seeds and what is not', () => {
    const textOf = (saving: Partial<Saving>) => {
      const base = savingOf(trials(0.05, [0, 1, 2, 3, 4]));
      assert.ok(base);
      return savingText({ ...base, commonSeeds: 5, tried: [0.5, 1], ...saving }).split('; ')[1] ?? '';
    };
    const always = { kind: 'always', share: 0.5 } as const;
    const never = { kind: 'never' } as const;
    const cases: readonly (readonly [Partial<Saving>, string])[] = [
      [
        { interval: null, commonSeeds: 3 },
        'whether other seeds agree is not known, since fewer than 4 have every share',
      ],
      [{ interval: null, commonSeeds: 4 }, 'whether other seeds agree is not known, since these are all alike'],
      [{ crossing: always, interval: { low: null, high: 0.5 } }, 'the 95 % interval to other seeds agrees'],
      [{ crossing: always, interval: { low: null, high: 0.7 } }, 'the 95 % interval to other seeds goes up to 70 %'],
      [{ crossing: never, interval: { low: Infinity, high: null } }, 'the 95 % interval to other seeds agrees'],
      [
        { crossing: never, interval: { low: 0.7, high: null } },
        'the 95 % interval to other seeds goes from 70 % of the data to more than was tried',
      ],
      ...[always, never, { kind: 'reached', share: 0.7 } as const].map(
        (crossing) =>
          [
            { crossing, interval: { low: null, high: null } },
            'of other seeds this says nothing: the 95 % interval holds every share that was tried, and more',
          ] as const,
      ),
      [{ crossing: { kind: 'reached', share: 0.7 }, interval: { low: 0.6, high: 0.8 } }, ''],
    ];
    for (const [saving, text] of cases) assert.equal(textOf(saving), text);
  });

  it('has no interval from seeds that are all alike', () => {
    const alike = trials(0.05, [0, 0, 0, 0]).map((record, place) => ({
      ...record,
      trial: { ...record.trial, trialId: `${place}`, settings: { ...record.trial.settings, seed: place % 4 } },
    }));
    const saving = savingOf(alike);
    assert.deepEqual([saving?.interval, saving?.commonSeeds], [null, 4]);
  });

  it('is not asked for where standard training gains nothing from more data', () => {
    const flat = trials(0.05, [0, 1, 2, 3]).map((record) => {
      const isStandard = record.trial.settings.model_type === 'standard';
      return isStandard && record.result !== null
        ? { ...record, result: { ...record.result, testAccuracy: 0.6 } }
        : record;
    });
    const saving = savingOf(flat);
    assert.equal(saving?.isGain, false);
    assert.match(saving ? savingText(saving) : '', /^standard training is no better with 100 % of the data/);
  });
});
