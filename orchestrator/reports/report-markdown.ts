/** `report.md`. */
import { answerOf } from './answer.js';
import { agreementTable, comparedTexts, comparisonTable, sizeTable } from './comparison-tables.js';
import type { DevicePeak } from './device-peaks.js';
import { dataCurves, savingText } from './figures/data-curves.js';
import { sizeCurves } from './figures/size-curves.js';
import { capitalized, counted, duration } from './format.js';
import { escapeText, markdownBullets, markdownTable } from './markdown.js';
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
} from './notes.js';
import type { SweepReport } from './sweep-report.js';
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
} from './tables.js';

export function reportMarkdown(report: SweepReport): string {
  const { sweep, total, counts, comparisons, teachers, trialSeconds, spanSeconds } = report;
  const open = counts.queued + counts.running;
  return [
    `# Sweep ${escapeText(sweep)}`,
    [
      `${counted(total, 'trial')}: ${counts.succeeded} done, ${counts.failed} failed${counts.cancelled > 0 ? `, ${counts.cancelled} cancelled` : ''}${open > 0 ? `, ${open} open` : ''}.`,
      `${duration(trialSeconds)} of training and evaluation in all; ${duration(spanSeconds)} from first start to last end.`,
    ].join(' '),
    ...answerOf(report).map(escapeText),
    '## Test accuracy',
    ACCURACY_NOTE,
    selectionNote(report),
    choicesNote(report),
    NAMES_NOTE,
    markdownTable(cellTable(report, true)),
    ...section(
      'Dataset by dataset',
      macroTable(report).rows.length > 0 ? markdownTable(macroTable(report)) : '',
      macroNote(report),
    ),
    ...section('Seeds without a result', markdownBullets(missingLines(report)), 'The means above leave them out.'),
    ...section(
      capitalized(comparedTexts(report).join(', ')),
      comparisons.length > 0 ? markdownTable(comparisonTable(report)) : '',
      comparisonNote(report),
    ),
    ...section(
      'Row by row',
      agreementTable(report).rows.length > 0 ? markdownTable(agreementTable(report)) : '',
      'Test rows of all seeds together: which of the two got them right. From ten seeds on there is a 95 % interval for the difference to new seeds and new rows alike (a two-level bootstrap, with what seeds add widened for their small number).',
    ),
    ...section(
      'How large the differences are beside their spread',
      sizeTable(report).rows.length > 0 ? markdownTable(sizeTable(report)) : '',
      SIZE_NOTE,
    ),
    ...section('How much data it takes', markdownBullets(savingLines(report)), CROSSING_NOTE),
    ...section('How small the model may be', markdownBullets(sizeLines(report)), 'By the means over seeds:'),
    ...section(
      'Beside published numbers',
      publishedTable(report).rows.length > 0
        ? `${markdownTable(publishedTable(report))}\n\n${markdownBullets(sourceLines(report))}`
        : '',
      publishedNote(report),
    ),
    ...section(
      'The teacher itself',
      teachers.length > 0 ? markdownTable(teacherTable(teachers)) : '',
      `${TEACHER_NOTE}.`,
    ),
    ...speedSection(report),
    ...section(
      'Planned against seen',
      plannedTable(report).rows.length > 0 ? markdownTable(plannedTable(report)) : '',
      PLANNED_NOTE,
    ),
    ...timeSection(report),
    ...section('What failed', markdownBullets(failureLines(report)), FAILURES_NOTE),
    ...section('Comparability', markdownBullets(comparabilityLines(report)), COMPARABILITY_NOTE),
  ]
    .filter((block) => block !== '')
    .map((block) => `${block}\n`)
    .join('\n');
}

function section(title: string, body: string, note: string): readonly string[] {
  return body === '' ? [] : [`## ${title}`, note, body];
}

function savingLines({ cells, teachers }: SweepReport): readonly string[] {
  return dataCurves(cells, teachers).flatMap(({ name, savings }) =>
    savings.map((saving) => `${name}: ${savingText(saving)}`),
  );
}

function sizeLines(report: SweepReport): readonly string[] {
  return sizeCurves(report).flatMap(({ name, lines }) => lines.map((line) => `${name}: ${line}`));
}

function speedSection(report: SweepReport): readonly string[] {
  const table = measuresTable(report);
  if (table.rows.length === 0) return [];
  return [
    '## Speed and memory',
    'Of the train phase, means over seeds; tokens are those of inputs and targets. MFU is the share of what the device could compute, for the FLOPs of real tokens and with padding. Memory is the most of any seed: of the process on a CPU, of torch on a GPU.',
    markdownTable(table),
    markdownBullets([...report.devicePeaks.map(peakLine), ...resumedLines(report)]),
  ];
}

function peakLine({ device, precision, source, least, most }: DevicePeak): string {
  const [low, high] = [teraflops(least), teraflops(most)];
  return `${device}, ${precision}: ${low === high ? low : `${low} to ${high}`} TFLOP/s at most (${source})`;
}

function teraflops(perSecond: number): string {
  return String(Number((perSecond / 1e12).toPrecision(3)));
}

function resumedLines({ cells }: SweepReport): readonly string[] {
  const resumed = cells.flatMap(({ seeds }) => seeds).filter(({ measures }) => (measures?.resumedStep ?? 0) > 0);
  return resumed.length === 0 ? [] : [`${counted(resumed.length, 'trial')} went on from a checkpoint; see results.csv`];
}

function timeSection(report: SweepReport): readonly string[] {
  if (report.timeSpent.totalSeconds === 0) return [];
  return [
    '## Where the time went',
    'Of the attempts that succeeded, and of what they had taken over from others by way of checkpoints. import and idle are their processes starting and waiting for them; other is what no phase has.',
    markdownTable(timeTable(report)),
    report.cells.length > 1 ? markdownTable(cellTimeTable(report)) : '',
  ];
}
