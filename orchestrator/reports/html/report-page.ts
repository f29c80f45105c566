/** `report.html`: one file that needs nothing beside it, and runs nothing. */
import { answerOf } from '../answer.js';
import { type DataCurves, dataCurves, savingText } from '../figures/data-curves.js';
import { type CurveOf, learningCurves } from '../figures/learning-curves.js';
import { type LineChart, legendHtml, lineChartSvg } from '../figures/line-chart.js';
import { counted, duration, percent } from '../format.js';
import { mixedLines } from '../mixed-environment.js';
import { choicesNote, comparisonNote, selectionNote } from '../notes.js';
import type { SweepReport } from '../sweep-report.js';
import {
  agreementTable,
  cellTable,
  cellTimeTable,
  comparisonTable,
  failureLines,
  measuresTable,
  missingLines,
  mixedCellLines,
  seedsNeededLines,
  type Table,
  teacherTable,
  timeTable,
} from '../tables.js';
import { html, joined, Markup } from './markup.js';
import { STYLE } from './style.js';

export interface PageParts {
  readonly report: SweepReport;
  readonly curveOf: CurveOf;
  /** Of dss. */
  readonly version: string;
}

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: readonly Markup[];
}

export function reportPage({ report, curveOf, version }: PageParts): string {
  const { sweep, total, counts, trialSeconds, spanSeconds } = report;
  const open = counts.queued + counts.running;
  const sections = sectionsOf(report, curveOf).filter(({ body }) => body.length > 0);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${sweep}: does step-by-step training help?</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>Sweep ${sweep}</h1>
<p class="quiet">${counted(total, 'trial')}: ${counts.succeeded} done, ${counts.failed} failed${counts.cancelled > 0 ? `, ${counts.cancelled} cancelled` : ''}${open > 0 ? `, ${open} open` : ''}.
${duration(trialSeconds)} of training and evaluation in all; ${duration(spanSeconds)} from first start to last end. dss ${version}.</p>
</header>
<main>
<section class="answer" aria-label="The answer">${joined(answerOf(report).map((text) => html`<p>${text}</p>`))}</section>
<nav aria-label="Sections"><ul>${joined(sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`))}</ul></nav>
${joined(sections.map(({ id, title, body }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${joined(body)}</section>`))}
</main>
</body>
</html>
`.text;
}

function sectionsOf(report: SweepReport, curveOf: CurveOf): readonly Section[] {
  const { cells, teachers, comparisons } = report;
  return [
    {
      id: 'methods',
      title: 'Methods side by side',
      body: [
        ...(comparisons.length > 0
          ? [note(comparisonNote(report)), ...table(comparisonTable(report), 'Each method minus standard training')]
          : []),
        ...table(
          agreementTable(report),
          'Which of the two got the test rows right, over all seeds; with the 95 % interval of the difference to new seeds and rows',
        ),
        ...list(
          seedsNeededLines(report),
          'So many seeds make the interval of a difference a point to either side, if they go on to differ as these do:',
        ),
      ],
    },
    { id: 'data', title: 'How much data it takes', body: dataCurves(cells, teachers).flatMap(dataFigure) },
    {
      id: 'accuracy',
      title: 'Test accuracy of every cell',
      body: [
        note(
          `Mean ± sample standard deviation over seeds, in percent; n is the number of seeds with a result. ${selectionNote(report)}`,
        ),
        ...(choicesNote(report) === '' ? [] : [note(choicesNote(report))]),
        ...table(cellTable(report), 'Test accuracy'),
        ...list(missingLines(report), 'Seeds without a result, which the means leave out:'),
      ],
    },
    {
      id: 'learning',
      title: 'Along training',
      body: learningCurves(cells, curveOf).flatMap((chart) => [figure(chart)]),
    },
    {
      id: 'teacher',
      title: 'The teacher itself',
      body: table(
        teacherTable(teachers),
        "How often the teacher's own labels are right, and for how many rows it gives a rationale",
      ),
    },
    {
      id: 'cost',
      title: 'What it took',
      body: [
        ...table(measuresTable(report), 'Speed and memory of the train phase, means over seeds'),
        ...(report.timeSpent.totalSeconds > 0 ? table(timeTable(report), 'Where the time went') : []),
        ...table(cellTimeTable(report), 'Where the time of each cell went'),
      ],
    },
    { id: 'failures', title: 'What failed', body: list(failureLines(report), 'The first to fail comes first.') },
    {
      id: 'comparability',
      title: 'Comparability',
      body: list(
        [...mixedLines(report.mixedEnvironment), ...mixedCellLines(report)],
        'Trials of this sweep ran in different environments. Where seeds of one cell did, its n says mixed:',
      ),
    },
    { id: 'again', title: 'How to get this again', body: [again(report)] },
  ];
}

function again({ sweep }: SweepReport): Markup {
  return html`<pre>dss report ${sweep}            # this page and the files beside it
dss results ${sweep} --json    # every loss and every evaluation</pre>
<p class="quiet">results.csv has a line for each trial, summary.json all that is on this page for programs.</p>`;
}

function dataFigure({ name, chart, savings }: DataCurves): readonly Markup[] {
  return [
    html`<h3>${name}</h3>`,
    figure(chart),
    ...list(
      savings.map((saving) => `${savingText(saving)}.`),
      '',
    ),
  ];
}

function figure(chart: LineChart): Markup {
  return html`<figure>${lineChartSvg(chart)}${legendHtml(chart)}
<figcaption>${chart.title}. Lines are means over seeds, bands their 95 % intervals by t${chart.series.some(({ points }) => points.some(({ dots }) => dots.length > 0)) ? ', small dots single seeds' : ''}.
<a href="figures/${chart.id}.csv" download>The numbers as CSV</a>, <a href="figures/${chart.id}.svg" download>the figure as SVG</a>.</figcaption>
<details><summary>The numbers</summary>${joined(table(numbersOf(chart), chart.title))}</details></figure>`;
}

function numbersOf({ series, xTitle, yTitle, xText }: LineChart): Table {
  return {
    columns: [
      { title: 'series', align: 'left' },
      { title: xTitle, align: 'right' },
      { title: yTitle, align: 'right' },
      { title: '95 % interval', align: 'right' },
    ],
    rows: series.flatMap(({ name, points }) =>
      points.map(({ x, y, low, high }) => [
        name,
        xText(x),
        percent(y / 100),
        low === null || high === null ? '–' : `${percent(low / 100)} to ${percent(high / 100)}`,
      ]),
    ),
  };
}

function note(text: string): Markup {
  return html`<p class="quiet">${text}</p>`;
}

function list(lines: readonly string[], lead: string): readonly Markup[] {
  if (lines.length === 0) return [];
  return [...(lead === '' ? [] : [note(lead)]), html`<ul>${joined(lines.map((line) => html`<li>${line}</li>`))}</ul>`];
}

function table({ columns, rows }: Table, caption: string): readonly Markup[] {
  if (rows.length === 0) return [];
  const classOf = (place: number) => (columns[place]?.align === 'right' ? 'right' : '');
  const head = columns.map(({ title }, place) => html`<th scope="col" class="${classOf(place)}">${title}</th>`);
  const body = rows.map(
    (cells) => html`<tr>${joined(cells.map((cell, place) => html`<td class="${classOf(place)}">${cell}</td>`))}</tr>`,
  );
  return [
    html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${joined(head)}</tr></thead>
<tbody>${joined(body)}</tbody></table></div>`,
  ];
}
