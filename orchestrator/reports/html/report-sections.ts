/** What is on a report's page below its answer. */
import { commandTable } from '../command-table.js';
import {
  agreementTable,
  comparedTexts,
  comparisonTable,
  FIRST_AGAINST_SECOND,
  sizeTable,
} from '../comparison-tables.js';
import { dataCurves } from '../figures/data-curves.js';
import { type CurveOf, learningCurves } from '../figures/learning-curves.js';
import type { LineChart } from '../figures/line-chart.js';
import { sizeCurves } from '../figures/size-curves.js';
import { capitalized, counted } from '../format.js';
import { grouped } from '../grouped.js';
import {
  ACCURACY_NOTE,
  COMPARABILITY_NOTE,
  CROSSING_NOTE,
  choicesNote,
  comparisonNote,
  FAILURES_NOTE,
  macroNote,
  NAMES_NOTE,
  PLANNED_NOTE,
  publishedNote,
  SIZE_NOTE,
  selectionNote,
  TEACHER_NOTE,
} from '../notes.js';
import type { SweepReport } from '../sweep-report.js';
import {
  cellTable,
  cellTimeTable,
  comparabilityLines,
  failureLines,
  macroTable,
  measuresTable,
  missingLines,
  plannedTable,
  publishedTable,
  sourceLines,
  teacherTable,
  timeTable,
} from '../tables.js';
import { dataFigure, figure, gallery, sizeFigure } from './figures.js';
import { html, type Markup } from './markup.js';
import { folded, list, note, type Section, table } from './page-frame.js';

export function reportSections(report: SweepReport, curveOf: CurveOf): readonly Section[] {
  const { cells, teachers } = report;
  const settings = Object.keys(cells[0]?.settings ?? {});
  return [
    { id: 'methods', title: 'Methods side by side', body: methodsBody(report, settings) },
    { id: 'data', title: 'How much data it takes', body: dataBody(report) },
    { id: 'size', title: 'How small the model may be', body: sizeBody(report) },
    { id: 'accuracy', title: 'Test accuracy of every cell', body: accuracyBody(report, settings) },
    { id: 'published', title: 'Beside published numbers', body: publishedBody(report, settings) },
    { id: 'learning', title: 'Along training', body: learningBody(report, curveOf) },
    {
      id: 'teacher',
      title: 'The teacher itself',
      body: table(teacherTable(teachers), TEACHER_NOTE),
    },
    { id: 'cost', title: 'What it took', body: costBody(report, settings) },
    { id: 'failures', title: 'What failed', body: list(failureLines(report), FAILURES_NOTE) },
    {
      id: 'comparability',
      title: 'Comparability',
      body: list(comparabilityLines(report), COMPARABILITY_NOTE),
    },
    { id: 'again', title: 'How to get this again', body: againBody(report) },
  ];
}

function methodsBody(report: SweepReport, settings: readonly string[]): readonly Markup[] {
  if (report.comparisons.length === 0) return [];
  const kinds = byCompared(report);
  const compared = [...settings, FIRST_AGAINST_SECOND];
  const sizes = kinds.flatMap((each) =>
    table(sizeTable(each), `${capitalized(comparedTexts(each).join())}: size of the difference`, compared),
  );
  const agreements = kinds.flatMap((each) =>
    table(agreementTable(each), 'Which of the two got the test rows right, over all seeds', compared),
  );
  return [
    note(comparisonNote(report)),
    ...kinds.flatMap((each) =>
      table(comparisonTable(each), `${capitalized(comparedTexts(each).join())}, seed by seed`, [...settings, 'family']),
    ),
    ...folded('Row by row: which of the two got the test rows right', agreements),
    ...folded('How large the differences are beside their spread, and how many seeds would make them sure', [
      ...(sizes.length > 0 ? [note(SIZE_NOTE)] : []),
      ...sizes,
    ]),
  ];
}

/** A table of one kind of comparison has columns of its own, and room for them. */
function byCompared(report: SweepReport): readonly SweepReport[] {
  const kinds = grouped(report.comparisons, (comparison) => comparedTexts({ comparisons: [comparison] }).join());
  return kinds.map((comparisons) => ({ ...report, comparisons }));
}

function dataBody({ cells, teachers }: SweepReport): readonly Markup[] {
  const curves = dataCurves(cells, teachers);
  const isCrossing = curves.some(({ savings }) => savings.some(({ interval, isGain }) => interval !== null && isGain));
  return [...(isCrossing ? [note(CROSSING_NOTE)] : []), ...galleryOf(curves, dataFigure)];
}

function sizeBody(report: SweepReport): readonly Markup[] {
  return galleryOf(sizeCurves(report), sizeFigure);
}

function learningBody({ cells }: SweepReport, curveOf: CurveOf): readonly Markup[] {
  const charts = learningCurves(cells, curveOf);
  return gallery(charts, charts.map(figure));
}

function galleryOf<T extends { readonly chart: LineChart }>(
  drawn: readonly T[],
  figureOf: (each: T) => Markup,
): readonly Markup[] {
  return gallery(
    drawn.map(({ chart }) => chart),
    drawn.map(figureOf),
  );
}

function accuracyBody(report: SweepReport, settings: readonly string[]): readonly Markup[] {
  const notes = [`${ACCURACY_NOTE} ${selectionNote(report)}`, NAMES_NOTE, choicesNote(report)];
  const macro = macroTable(report);
  return [
    ...(macro.rows.length > 0 ? [note(macroNote(report)), ...table(macro, 'Dataset by dataset', settings)] : []),
    ...notes.filter((text) => text !== '').map(note),
    ...table(cellTable(report, true), 'Test accuracy', settings),
    ...list(missingLines(report), 'Seeds without a result, which the means leave out:'),
  ];
}

/** What compares first; of the rest, why it does not. */
function publishedBody(report: SweepReport, settings: readonly string[]): readonly Markup[] {
  const { published } = report;
  if (published.length === 0) return [];
  const isOther = ({ verdict }: (typeof published)[number]) => verdict.kind === 'not comparable';
  const others = published.filter(isOther);
  const tableOf = (part: typeof published, title: string) =>
    table(publishedTable({ ...report, published: part }), title, settings);
  return [
    note(publishedNote(report)),
    ...tableOf(
      published.filter((each) => !isOther(each)),
      'Cells of the same model, dataset, method and teacher, trained as published',
    ),
    ...folded(
      `Not comparable: ${counted(others.length, 'cell')} of the same model, dataset, method and teacher, and why`,
      tableOf(others, 'Trained otherwise, or without an interval'),
    ),
    ...list(sourceLines(report), 'Where the numbers are from:'),
  ];
}

function costBody(report: SweepReport, settings: readonly string[]): readonly Markup[] {
  const planned = plannedTable(report);
  return [
    ...(report.timeSpent.totalSeconds > 0 ? table(timeTable(report), 'Where the time went') : []),
    ...folded('Where the time of each cell went', table(cellTimeTable(report), 'Time by cell and phase', settings)),
    ...folded(
      'How fast each cell trained, and the memory it took',
      table(measuresTable(report), 'Speed and memory of the train phase, means over seeds', settings),
    ),
    ...(planned.rows.length > 0
      ? folded('Planned against seen', [note(PLANNED_NOTE), ...table(planned, 'Planned against seen', settings)])
      : []),
  ];
}

function againBody(report: SweepReport): readonly Markup[] {
  const commands = table(commandTable(report), 'What prints each row of this page, unrounded');
  return [again(report), ...folded('The command of each row', commands)];
}

function again({ sweeps }: SweepReport): Markup {
  const results = sweeps.map((sweep) => `dss results ${sweep} --json    # every loss and every evaluation`);
  return html`<pre>dss report ${sweeps.join(' ')}            # this page and the files beside it
${results.join('\n')}</pre>
<p class="quiet">results.csv has a line for each trial, summary.json all that is on this page for programs. Each row there has
an id, and <code>dss report ${sweeps.join(' ')} --number cells.ID.test_accuracy.mean</code> prints the one number; manifest.json
has the command of every row, and tables.tex names it beside each.</p>`;
}
