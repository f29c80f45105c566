/** `report.md`. */
import { oneLine } from '../core/text.js';
import { answerOf } from './answer.js';
import type { DevicePeak } from './device-peaks.js';
import { counted, duration } from './format.js';
import { mixedLines } from './mixed-environment.js';
import { choicesNote, comparisonNote, selectionNote } from './notes.js';
import type { SweepReport } from './sweep-report.js';
import {
  agreementTable,
  cellTable,
  cellTimeTable,
  comparedMethods,
  comparisonTable,
  failureLines,
  measuresTable,
  missingLines,
  mixedCellLines,
  seedsNeededLines,
  type Table,
  teacherTable,
  timeTable,
} from './tables.js';

export function reportMarkdown(report: SweepReport): string {
  const { sweep, total, counts, comparisons, teachers, trialSeconds, spanSeconds } = report;
  const open = counts.queued + counts.running;
  return [
    `# Sweep ${escapeText(sweep)}`,
    [
      `${total} trials: ${counts.succeeded} done, ${counts.failed} failed${counts.cancelled > 0 ? `, ${counts.cancelled} cancelled` : ''}${open > 0 ? `, ${open} open` : ''}.`,
      `${duration(trialSeconds)} of training and evaluation in all; ${duration(spanSeconds)} from first start to last end.`,
    ].join(' '),
    ...answerOf(report).map(escapeText),
    '## Test accuracy',
    'Mean ± sample standard deviation over seeds, in percent; n is the number of seeds with a result.',
    selectionNote(report),
    choicesNote(report),
    markdownTable(cellTable(report)),
    ...section('Seeds without a result', bullets(missingLines(report)), 'The means above leave them out.'),
    ...section(
      `Standard against ${comparedMethods(report).join(' and ')}`,
      comparisons.length > 0 ? markdownTable(comparisonTable(report)) : '',
      comparisonNote(report),
    ),
    ...section(
      'Row by row',
      agreementTable(report).rows.length > 0 ? markdownTable(agreementTable(report)) : '',
      'Test rows of all seeds together: which of the two got them right. The last column is a 95 % interval for the difference to new seeds and new rows alike (a two-level bootstrap; from ten seeds on).',
    ),
    ...section(
      'More seeds',
      bullets(seedsNeededLines(report)),
      'So many make the interval of a difference a point to either side, if seeds go on to differ as these do:',
    ),
    ...section(
      'The teacher itself',
      teachers.length > 0 ? markdownTable(teacherTable(teachers)) : '',
      "How often the teacher's own labels are right, and for how many rows it gives a rationale.",
    ),
    ...speedSection(report),
    ...timeSection(report),
    ...section('What failed', bullets(failureLines(report)), 'The first to fail comes first.'),
    ...section(
      'Comparability',
      bullets([...mixedLines(report.mixedEnvironment), ...mixedCellLines(report)]),
      'Trials of this sweep ran in different environments. Where seeds of one cell did, its n says mixed:',
    ),
  ]
    .filter((block) => block !== '')
    .map((block) => `${block}\n`)
    .join('\n');
}

function section(title: string, body: string, note: string): readonly string[] {
  return body === '' ? [] : [`## ${title}`, note, body];
}

function speedSection(report: SweepReport): readonly string[] {
  const table = measuresTable(report);
  if (table.rows.length === 0) return [];
  return [
    '## Speed and memory',
    'Of the train phase, means over seeds; tokens are those of inputs and targets. MFU is the share of what the device could compute, for the FLOPs of real tokens and with padding. Memory is the most of any seed: of the process on a CPU, of torch on a GPU.',
    markdownTable(table),
    bullets([...report.devicePeaks.map(peakLine), ...resumedLines(report)]),
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

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${escapeText(line)}`).join('\n');
}

export function markdownTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeText).join(' | ')} |`;
  const rule = `|${columns.map(({ align }) => (align === 'right' ? '---:' : '---')).join('|')}|`;
  return [line(columns.map(({ title }) => title)), rule, ...rows.map(line)].join('\n');
}

/** Names and messages are data: none may open a cell, a tag or a link. */
function escapeText(text: string): string {
  return oneLine(text).replace(/[\\|<>`*[\]]/g, (mark) =>
    mark === '<' ? '&lt;' : mark === '>' ? '&gt;' : `\\${mark}`,
  );
}
