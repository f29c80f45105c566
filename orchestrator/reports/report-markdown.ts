/** `report.md`. */
import { oneLine } from '../core/text.js';
import { duration } from './format.js';
import type { SweepReport } from './sweep-report.js';
import { cellTable, comparisonTable, missingLines, type Table, teacherTable } from './tables.js';

export function reportMarkdown(report: SweepReport): string {
  const { sweep, total, counts, comparisons, teachers, trialSeconds, spanSeconds } = report;
  const open = total - counts.succeeded - counts.failed;
  return [
    `# Sweep ${escapeText(sweep)}`,
    [
      `${total} trials: ${counts.succeeded} done, ${counts.failed} failed${open > 0 ? `, ${open} open` : ''}.`,
      `${duration(trialSeconds)} of training and evaluation in all; ${duration(spanSeconds)} from first start to last end.`,
    ].join(' '),
    '## Test accuracy',
    'Mean ± sample standard deviation over seeds, in percent; n is the number of seeds with a result.',
    selectionNote(report),
    markdownTable(cellTable(report)),
    ...section('Seeds without a result', bullets(missingLines(report)), 'The means above leave them out.'),
    ...section(
      'Standard against step-by-step',
      comparisons.length > 0 ? markdownTable(comparisonTable(report)) : '',
      'Differences are paired by seed: step-by-step minus standard, mean ± sample standard deviation, in points. No test of significance has been made.',
    ),
    ...section(
      'The teacher itself',
      teachers.length > 0 ? markdownTable(teacherTable(teachers)) : '',
      "How often the teacher's own labels are right, and for how many rows it gives a rationale.",
    ),
    ...section('What failed', bullets(failureLines(report)), 'The first to fail comes first.'),
    ...section('Comparability', bullets(mixedLines(report)), 'Trials of this sweep ran in different environments:'),
  ]
    .filter((block) => block !== '')
    .map((block) => `${block}\n`)
    .join('\n');
}

function section(title: string, body: string, note: string): readonly string[] {
  return body === '' ? [] : [`## ${title}`, note, body];
}

/** The release reports a test curve to choose from; a reader must know which kind of number this is. */
function selectionNote({ cells }: SweepReport): string {
  const ways = new Set(cells.map(({ settings }) => settings.select));
  return [
    ways.has('valid')
      ? '`select: valid`: the step was chosen by validation accuracy, the test split run once at it.'
      : '',
    ways.has('compat')
      ? '`select: compat`: the test split was run at every evaluation, as the release does; the last step counts.'
      : '',
  ]
    .filter((line) => line !== '')
    .join(' ');
}

function failureLines({ failures }: SweepReport): readonly string[] {
  return failures.map(({ trialId, settings, attempts, code, message, hint }) => {
    const { model, dataset, label_type, model_type, seed } = settings;
    const what = `${model}, ${dataset}, ${label_type}, ${model_type}, seed ${seed}`;
    return `${trialId} (${what}), attempt ${attempts}: ${code}: ${message}${hint === '' ? '' : ` (${hint})`}`;
  });
}

function mixedLines({ mixedEnvironment }: SweepReport): readonly string[] {
  return Object.entries(mixedEnvironment).map(([name, values]) => `${name}: ${values.join(', ')}`);
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${escapeText(line)}`).join('\n');
}

function markdownTable({ columns, rows }: Table): string {
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
