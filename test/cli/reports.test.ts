import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isLike } from '../../orchestrator/cli/readers/named-sweeps.js';
import type { Trial } from '../../orchestrator/core/domain.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { runDss, temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { resultOf, trialOf } from '../support/records.js';

const DECLARED = [{ setting: 'model_type', values: ['task_prefix', 'standard'], where: {}, pairedBy: 'seed' }];

/** Of each method so many seeds; step-by-step is better by a point and some more with each seed. */
function trialsOf(lr: number, seeds: number): readonly Trial[] {
  return (['standard', 'task_prefix'] as const).flatMap((model_type) =>
    Array.from({ length: seeds }, (_, seed) => trialOf({ model_type, lr, seed })),
  );
}

function accuracyOf({ settings }: Trial): number {
  return 0.5 + (settings.model_type === 'standard' ? 0 : 0.01 + settings.seed / 100) + settings.lr;
}

describe('reports of several sweeps', () => {
  const folder = temporaryFolder();
  const home = join(folder.path, 'home');
  const run = (...words: string[]) => runDss(words, { env: { DSS_HOME: home }, cwd: folder.path });

  before(() => {
    mkdirSync(home);
    const journal = openJournal(home);
    const common = trialsOf(0.125, 3);
    const options = { ...DEFAULT_SWEEP_OPTIONS, compare: DECLARED };
    journal.transaction(() => journal.submit(partOf('cqa-a', [], { trials: common, options }), 1_000));
    const second = [...common, ...trialsOf(0.25, 3)];
    journal.transaction(() => journal.submit(partOf('cqa-b', [], { trials: second }), 2_000));
    journal.transaction(() => journal.submit(partOf('faster', [], { trials: trialsOf(0.25, 3) }), 2_500));
    for (const trial of second) {
      journal.transaction(() => {
        const { lease } = journal.begin(trial.trialId, 'w', 3_000);
        journal.finish(lease, resultOf({ testAccuracy: accuracyOf(trial) }), 4_000);
      });
    }
    journal.close();
  });
  after(() => folder[Symbol.dispose]());

  it('count a trial of two sweeps once, and have a cell for each setting that differs', async () => {
    const { code, stderr, stdout } = await run('report', 'cqa-*', 'cqa-a', '--json');
    assert.equal(code, 0, stderr);
    const { sweep, sweeps, trials, cells, comparisons, declared } = JSON.parse(stdout);
    assert.deepEqual([sweep, sweeps, trials, cells.length], ['cqa-a+cqa-b', ['cqa-a', 'cqa-b'], 12, 4]);
    // The other sweep declared nothing: its own cells are exploratory.
    assert.deepEqual(
      comparisons.map((each: { declared: boolean; baseline: { lr: number } }) => [each.declared, each.baseline.lr]),
      [
        [true, 0.125],
        [false, 0.25],
      ],
    );
    assert.deepEqual(declared, {
      sweeps: ['cqa-a'],
      comparisons: 1,
      trials: 6,
      endedBefore: 0,
      changes: 0,
      endedBeforeBack: 0,
      extensions: [],
      isHistoryKnown: true,
      absent: [],
    });
    const page = readFileSync(join(folder.path, 'reports/cqa-a+cqa-b/report.html'), 'utf8');
    assert.match(page, /<h1>Sweeps cqa-a, cqa-b<\/h1>/);
    assert.match(page, /dss report cqa-a cqa-b /);
    const manifest = JSON.parse(readFileSync(join(folder.path, 'reports/cqa-a+cqa-b/manifest.json'), 'utf8'));
    assert.equal(manifest.files[0].made_by, 'dss report cqa-a cqa-b');
  });

  it('print any row or number by its address, and write nothing', async () => {
    const at = async (...words: string[]) => {
      const { code, stdout, stderr } = await run('report', 'cqa-a', 'cqa-b', '--number', ...words);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const manifest = JSON.parse(readFileSync(join(folder.path, 'reports/cqa-a+cqa-b/manifest.json'), 'utf8'));
    const summary = JSON.parse(readFileSync(join(folder.path, 'reports/cqa-a+cqa-b/summary.json'), 'utf8'));
    const [cell] = summary.cells;
    const { command } = manifest.numbers.find(({ address }: { address: string }) => address === `cells.${cell.id}`);
    assert.equal(command, `dss report cqa-a cqa-b --number cells.${cell.id}`);
    const before = readdirSync(join(folder.path, 'reports'));
    assert.deepEqual(await at(`cells.${cell.id}`), cell);
    assert.equal(await at(`cells.${cell.id}.test_accuracy.mean`), cell.test_accuracy.mean);
    assert.equal(await at(`results.${cell.seeds[1].id}.test_accuracy`), cell.seeds[1].test_accuracy);
    assert.deepEqual(readdirSync(join(folder.path, 'reports')), before);
  });

  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['cels'], /the report of cqa-a has nothing at cels\n.*results\.ID is a trial/],
    [['counts.done'], /has nothing at counts\.done\n.*--number counts prints all that is there/],
    [['cells', '--compare'], /--number prints, and --compare writes files/],
    [['cells', '--out', 'x'], /--number prints, and --out writes files/],
  ];
  for (const [words, message] of refused) {
    it(`refuse --number ${words.join(' ')}`, async () => {
      const { code, stdout, stderr } = await run('report', 'cqa-a', '--number', ...words);
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, message);
    });
  }

  it('take a declaration of another version for none, and say so', async () => {
    const journal = openJournal(home);
    const options = { ...DEFAULT_SWEEP_OPTIONS, compare: [{ of: 'the future' }] };
    journal.transaction(() => journal.submit(partOf('later', [], { trials: trialsOf(0.125, 3), options }), 9_000));
    journal.close();
    const { code, stdout, stderr } = await run('report', 'later', '--json');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /what later declares to compare cannot be read here, and is left out/);
    assert.equal(JSON.parse(stdout).declared, null);
  });

  it('are verified against all of their sweeps', async () => {
    const { code, stdout } = await run('verify', 'reports/cqa-a+cqa-b');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^its numbers are those that .* gives for cqa-a\+cqa-b$/m);
  });

  it('set two side by side', async () => {
    const { code, stderr, stdout } = await run('report', '--compare', 'cqa-a', 'faster');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /reports\/cqa-a-vs-faster\/comparison\.html/);
    const text = readFileSync(join(folder.path, 'reports/cqa-a-vs-faster/comparison.md'), 'utf8');
    assert.match(text, /lr \(0\.125 → 0\.25\) changed/);
    assert.match(text, /\+12\.50 ± 0\.00/);
  });

  it('refuse to set more or fewer than two side by side, and names that there are not', async () => {
    const three = await run('report', '--compare', 'cqa-*', 'faster');
    assert.deepEqual([three.code, /--compare takes two sweeps/.test(three.stderr)], [2, true]);
    const none = await run('report', 'svamp-*');
    assert.equal(none.code, 2);
    assert.match(none.stderr, /no sweep has a name like "svamp-\*"[\s\S]*known: cqa-a, cqa-b, faster, later/);
    const unknown = await run('report', 'cqa-c');
    assert.match(unknown.stderr, /there is no sweep "cqa-c"[\s\S]*did you mean cqa-[ab]\?/);
  });
});

describe('a pattern for sweeps', () => {
  for (const [name, pattern, expected] of [
    ['cqa-a', 'cqa-a', true],
    ['cqa-a', 'cqa-?', true],
    ['cqa-ab', 'cqa-?', false],
    ['cqa-a', '*', true],
    ['cqa-a', '*-*', true],
    ['cqa', '*-*', false],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab', '*a*a*a*a*a*a*a*a*c', false],
    ['cqa.a', 'cqa-a', false],
  ] as const) {
    it(`${pattern} ${expected ? 'stands' : 'does not stand'} for ${name}`, () => {
      assert.equal(isLike(name, pattern), expected);
    });
  }
});
