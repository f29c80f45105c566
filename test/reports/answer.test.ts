import assert from 'node:assert/strict';
import { answerOf } from '../../orchestrator/reports/answer.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { succeeded } from '../support/records.js';

type Method = 'standard' | 'task_prefix';

const trials = (model_type: Method, accuracies: readonly number[], settings: object = {}) =>
  accuracies.map((testAccuracy, seed) => succeeded({ model_type, seed, ...settings }, { testAccuracy }));

const answers = (records: Parameters<typeof foldSweep>[1], teachers: Parameters<typeof foldSweep>[2] = []) =>
  answerOf(foldSweep('s', records, teachers));

describe('the answer of a report', () => {
  it('says by how much, how sure that is, and whether it may be chance', () => {
    const [first, ...others] = answers([
      ...trials('standard', [0.5, 0.52, 0.48, 0.51, 0.49]),
      ...trials('task_prefix', [0.6, 0.63, 0.57, 0.6, 0.6]),
    ]);
    assert.equal(
      first,
      'On cqa, step-by-step training reaches 60.00 % and standard training 50.00 %, over 5 seeds that both have: +10.00 points (95 % interval +8.76 to +11.24), which is more than chance.',
    );
    assert.deepEqual(others, []);
  });

  it('has the digits of the tables, so that none is rounded twice', () => {
    const [text] = answers([...trials('standard', [0.9455, 0.9455]), ...trials('task_prefix', [0.955, 0.955])]);
    assert.match(text ?? '', /reaches 95\.50 % and standard training 94\.55 %, .*: \+0\.95 points/);
  });

  it('does not claim what so few seeds cannot show', () => {
    const [two] = answers([...trials('standard', [0.5, 0.52]), ...trials('task_prefix', [0.6, 0.63])]);
    assert.match(two ?? '', /which is not tested: 2 seeds cannot show it: flipping signs gives p 0\.5 at least\.$/);
    const [noise] = answers([...trials('standard', [0.5, 0.6, 0.4]), ...trials('task_prefix', [0.55, 0.5, 0.5])]);
    assert.match(noise ?? '', /which may be chance\.$/);
  });

  it('says what it does not say', () => {
    assert.match(answers(trials('standard', [0.5]))[0] ?? '', /does not say whether step-by-step training helps/);
    assert.match(answers([])[0] ?? '', /No trial has a result so far/);
  });

  it('counts where there are many comparisons', () => {
    const records = [0.5, 1].flatMap((subsample) => [
      ...trials('standard', subsample === 1 ? [0.5, 0.52, 0.48, 0.51, 0.49] : [0.45, 0.47, 0.43, 0.46, 0.44], {
        subsample,
      }),
      ...trials('task_prefix', subsample === 1 ? [0.6, 0.63, 0.57, 0.6, 0.6] : [0.4, 0.5, 0.45, 0.44, 0.48], {
        subsample,
      }),
    ]);
    const [first, second] = answers(records);
    assert.match(
      first ?? '',
      /^Of 2 comparisons with standard training, step-by-step is better in 1 by more than chance, and in 1 neither is shown; differences go from \+0\.40 to \+10\.00 points, \+5\.20 on average\.$/,
    );
    assert.equal(
      second,
      'By the means over seeds, models/tiny on cqa, gold labels: step-by-step needs 62 % [51–71] of the data for the 50.00 % that standard training reaches with all of it.',
    );
  });

  it('has the mean of each dataset, where there are several', () => {
    const of = (dataset: string, better: number) => [
      ...trials('standard', [0.5, 0.52, 0.48], { dataset }),
      ...trials('task_prefix', [0.5 + better, 0.53 + better, 0.48 + better], { dataset }),
    ];
    const [first] = answers([...of('cqa', 0.1), ...of('svamp', -0.02)]);
    assert.match(first ?? '', /, \+4\.33 on average \(cqa \+10\.33, svamp −1\.67\)\.$/);
  });

  it('says it plainly where nothing was learned', () => {
    const records = [...trials('standard', [0, 0, 0]), ...trials('task_prefix', [0, 0, 0])];
    assert.match(answers(records)[0] ?? '', /^No trial got a single test row right: /);
  });

  it('makes no list of noughts where all means are equal', () => {
    const records = [0.5, 1].flatMap((subsample) => [
      ...trials('standard', [0.25, 0.25, 0.25], { subsample }),
      ...trials('task_prefix', [0.25, 0.25, 0.25], { subsample }),
    ]);
    assert.equal(
      answers(records)[0],
      'Of 2 comparisons with standard training, none shows any difference: their means are equal.',
    );
  });

  it('says so where no comparison shows anything', () => {
    const records = [0.5, 1].flatMap((subsample) => [
      ...trials('standard', [0.5, 0.6, 0.4], { subsample }),
      ...trials('task_prefix', [0.55, 0.5, 0.5], { subsample }),
    ]);
    assert.match(
      answers(records)[0] ?? '',
      /^Of 2 comparisons with standard training, none shows that step-by-step is better or worse by more than chance; /,
    );
  });

  it('does not call the data that means save more than chance where it is not shown', () => {
    const of = (label_type: 'gt' | 'llm', seeds: number, standard: number) =>
      [0.5, 1].flatMap((subsample) => {
        const noise = [0.01, -0.01, 0.02, -0.02, 0];
        const all = (model_type: Method, mean: number) =>
          noise.slice(0, seeds).map((by, seed) =>
            succeeded(
              {
                model_type,
                label_type,
                llm: label_type === 'gt' && model_type === 'standard' ? null : 'palm',
                subsample,
                seed,
              },
              { testAccuracy: mean + (model_type === 'standard' ? by : -by) },
            ),
          );
        return [
          ...all('standard', subsample === 1 ? standard : standard - 0.1),
          ...all('task_prefix', subsample === 1 ? 0.7 : 0.6),
        ];
      });
    const said = (seeds: number, standard: number) =>
      answers([...of('gt', seeds, standard), ...of('llm', seeds, standard)])[1] ?? '';
    assert.match(
      said(3, 0.66),
      /in 2 of 2 settings, which may be chance: so few seeds, or such that are all alike, give no interval to others\. /,
    );
    assert.match(
      said(5, 0.695),
      /in 2 of 2 settings, which may be chance: no 95 % interval to other seeds lies below /,
    );
    assert.match(said(5, 0.63), /in 2 of 2 settings; in 2 of these, the 95 % interval to other seeds lies below /);
    assert.match(said(5, 0.8), /in none of 2 settings\. /);
  });

  it('says of rows, where they were tested, that they are of these models', () => {
    const bits = (right: number) => ({ rows: 80, correct: new Uint8Array(10).fill(right) });
    const records = [0.5, 1].flatMap((subsample) => [
      ...trials('standard', [0.5], { subsample }),
      ...trials('task_prefix', [0.6], { subsample }),
    ]);
    const standard = new Set(records.filter((_, place) => place % 2 === 0).map(({ trial }) => trial.trialId));
    const report = foldSweep('s', records, [], { bitsOf: (id) => bits(standard.has(id) ? 0 : 255) });
    assert.match(
      answerOf(report)[0] ?? '',
      /none shows that [^;]* by more than chance; on the test rows alone, which says nothing of other seeds, the models differ in 2; all differences are \+10\.00 points\.$/,
    );
  });

  it('holds the best cell against the teacher', () => {
    const teacher = {
      dataset: 'cqa',
      teacher: 'palm',
      split: 'test',
      rows: 10,
      labelAccuracy: 0.75,
      rationaleCoverage: 1,
      rationaleWords: { mean: 31.25, p99: 80 },
    } as const;
    const found = answers([...trials('standard', [0.5]), ...trials('task_prefix', [0.7])], [teacher]);
    assert.match(
      found.at(-1) ?? '',
      /right in so many test rows: cqa 75\.00 % \(the best cell is 5\.00 points below that\)\.$/,
    );
  });

  it('is of seeds that both methods have, and of one seed says no more than that', () => {
    const [paired] = answers([...trials('standard', [0.5, 0.6, 0.1]), ...trials('task_prefix', [0.6, 0.7])]);
    assert.match(
      paired ?? '',
      /reaches 65\.00 % and standard training 55\.00 %, over 2 seeds that both have: \+10\.00 points/,
    );
    const bitsOf = (right: number) => {
      const correct = new Uint8Array(10);
      for (let row = 0; row < right; row += 1) correct[row >> 3] = (correct[row >> 3] ?? 0) | (1 << (row & 7));
      return { rows: 80, correct };
    };
    const one = [...trials('standard', [0.5]), ...trials('task_prefix', [0.75])];
    const report = foldSweep('s', one, [], {
      bitsOf: (id) => bitsOf(id === one[0]?.trial.trialId ? 40 : 60),
    });
    assert.match(
      answerOf(report)[0] ?? '',
      /and these two models differ on the test rows; one seed says nothing of others\.$/,
    );
  });

  it('tells of data that step-by-step saves, against standard training with the same teacher', () => {
    const of = (model_type: Method | 'single_task', llm: 'palm' | 'gpt', accuracy: number, subsample: number) =>
      [0, 1, 2].map((seed) =>
        succeeded(
          {
            model_type,
            llm,
            seed,
            subsample,
            label_type: 'llm',
            ...(model_type === 'single_task' ? { gen_max_len: 256 } : {}),
          },
          { testAccuracy: accuracy + seed / 1_000 },
        ),
      );
    const records = [0.5, 1].flatMap((share) => [
      ...of('standard', 'palm', 0.6, share),
      ...of('standard', 'gpt', 0.7 + share / 5, share),
      ...of('task_prefix', 'gpt', 0.85, share),
      ...of('single_task', 'palm', 0.95, share),
    ]);
    const said = answers(records).join('\n');
    assert.match(said, /step-by-step does not come to the 90\.10 % that standard training reaches with all of it/);
    assert.doesNotMatch(said, /single-task needs/);
  });
});
