import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCharts } from '../../orchestrator/reports/figures/all-charts.js';
import { escapeLatex } from '../../orchestrator/reports/latex/escape.js';
import { figuresLatex } from '../../orchestrator/reports/latex/figures-latex.js';
import { reportLatex } from '../../orchestrator/reports/latex/report-latex.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { writeReport } from '../../orchestrator/reports/write-report.js';
import { temporaryFolder } from '../support/dss.js';
import { succeeded } from '../support/records.js';
import { reportParts, reportRecords } from '../support/report-sweep.js';
import { skip } from '../support/skip.js';

/** Every printable sign of ASCII, and others that stand in names of people and models. */
const NASTY = `${Array.from({ length: 95 }, (_, place) => String.fromCharCode(32 + place)).join('')} --- ?\` \u00e9 \u010d \u00c5 \u00df \u0142 ± − 模型 \u{1f600} \\input{x} a\tb`;

/** An article that puts in a file of a report. */
function paperWith(input: string): string {
  return `\\documentclass{article}
\\usepackage{booktabs,graphicx,longtable,textcomp}
\\begin{document}
\\input{${input}}
\\end{document}
`;
}

function both(model: string, subsamples: readonly number[] = [1]) {
  return subsamples.flatMap((subsample) =>
    (['standard', 'task_prefix'] as const).flatMap((model_type) =>
      [0, 1, 2].map((seed) =>
        succeeded(
          { model, model_type, seed, subsample },
          { testAccuracy: 0.5 + seed * (model_type === 'standard' ? 0.1 : 0.05) },
        ),
      ),
    ),
  );
}

/** What pdflatex says of the report's tables in an article. */
function typeset(test: Mocha.Context, records: ReturnType<typeof both>): string {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, 'tables.tex'), reportLatex(foldSweep('s', records, [])));
  return pdflatex(test, folder.path, 'tables');
}

function pdflatex(test: Mocha.Context, folder: string, input: string): string {
  if (spawnSync('pdflatex', ['--version']).error !== undefined) skip(test, 'pdflatex is not installed');
  writeFileSync(join(folder, 'paper.tex'), paperWith(input));
  const { status, stdout } = spawnSync(
    'pdflatex',
    ['-no-shell-escape', '-halt-on-error', '-interaction=nonstopmode', 'paper'],
    { cwd: folder, encoding: 'utf8' },
  );
  assert.equal(status, 0, stdout.slice(-2_000));
  return stdout;
}

describe('text for LaTeX', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['task_prefix & 50 %', 'task\\_prefix \\& 50 \\%'],
    ['\\input{secret}', '\\textbackslash{}input\\{secret\\}'],
    ['$x^2$ ~ #1', '\\$x\\textasciicircum{}2\\$ \\textasciitilde{} \\#1'],
    ['0.5 ± 0.1 – −3', '0.5 $\\pm$ 0.1 -- $-$3'],
    ['step-by-step, a--b---c', 'step-by-step, a-{}-b-{}-{}-c'],
    ['Erdős, Ångström, e\u0301', 'Erd\\H{o}s, \\r{A}ngstr\\"{o}m, \\\'{e}'],
    ['模 \u{1f600} \n', '[U+6A21] [U+1F600] [U+000A]'],
  ];
  for (const [text, expected] of cases) {
    it(`is ${expected} for ${JSON.stringify(text)}`, () => assert.equal(escapeLatex(text), expected));
  }
});

describe('tables.tex', () => {
  it('has a booktabs table of the accuracies and one of the comparisons, with the columns that vary', () => {
    const text = reportLatex(foldSweep('s', both('models/t5_small', [0.5, 1]), []));
    assert.deepEqual(text.match(/\\(toprule|midrule|bottomrule)/g)?.length, 6);
    assert.match(text, /^\{\}model\\_type & subsample & accuracy \\% & 95 \\% interval & n & /m);
    assert.match(text, /^\{\}standard & 0\.5 & 60\.00 \$\\pm\$ 10\.00 & 35\.16 to 84\.84 & 3 & /m);
    // What is the same in all rows is said once.
    assert.match(text, /In all rows: model models\/t5\\_small, dataset cqa, label\\_type gt\./);
    assert.doesNotMatch(text, /batch/);
  });

  it('sets a minus as one, and no hyphen', () => {
    const text = reportLatex(foldSweep('s', both('m'), []));
    assert.match(text, /& \$-\$5\.00 \$\\pm\$ 5\.00 & \$-\$17\.42 to \+7\.42 &/);
  });

  it('leaves out a table that has no rows', () => {
    const text = reportLatex(foldSweep('s', [succeeded({})], []));
    assert.equal(text.match(/\\begin\{table\}/g)?.length, 1);
  });

  it('is set by pdflatex as it is, whatever the names hold', function () {
    typeset(this, both(NASTY));
  });

  it('fits into the column of text, however many columns a table has', function () {
    const said = typeset(this, both('models/a-model-with-a-name-of-some-length', [0.5, 1]));
    assert.doesNotMatch(said, /Overfull \\hbox/);
  });

  it('is set over several pages where there are many cells', function () {
    const shares = Array.from({ length: 60 }, (_, place) => (place + 1) / 60);
    assert.match(typeset(this, both('m', shares)), /Output written on paper\.pdf \([3-9] pages/);
  });
});

describe('figures.tex', () => {
  it('puts in every figure with a caption, and lets none wait for more than a dozen others', () => {
    const { report } = reportParts();
    const [chart] = allCharts(report, () => []);
    assert.ok(chart);
    const many = Array.from({ length: 25 }, (_, place) => ({ ...chart, id: `data-${place}` }));
    const text = figuresLatex(report, many);
    assert.match(text, /^\\includegraphics\[width=\\linewidth\]\{figures\/data-24\.pdf\}$/m);
    assert.match(text, /\\caption\{Test accuracy against training data: models\/tiny on cqa, gold labels\. Lines are/);
    const waiting = text.split('\\clearpage').map((part) => part.match(/\\begin\{figure\}/g)?.length);
    assert.deepEqual(waiting, [12, 12, 1]);
  });

  for (const [what, model] of [
    ['as it is, with the figures of its folder', 'models/tiny'],
    ['whatever the names hold', NASTY],
  ] as const) {
    it(`is set by pdflatex ${what}`, async function () {
      using folder = temporaryFolder();
      await writeReport(folder.path, reportParts(reportRecords(model)));
      const said = pdflatex(this, folder.path, 'figures');
      // Its lines are broken anywhere.
      assert.match(said.replaceAll('\n', ''), /figures\/data-0\.pdf/);
      // A name of 95 letters is broken nowhere.
      if (model !== NASTY) assert.doesNotMatch(said, /Overfull \\hbox/);
    });
  }
});
