/** `tables.tex`: the tables that a paper has, to be put in by `\input{tables}`. */

import { comparedTexts, comparisonTable } from '../comparison-tables.js';
import { withoutConstants } from '../constant-columns.js';
import { numberCommand } from '../manifest.js';
import { isMixed } from '../mixed-environment.js';
import { COMPARABILITY_NOTE, comparisonNote, macroNote, publishedNote, selectionNote } from '../notes.js';
import type { SweepReport } from '../sweep-report.js';
import { cellTable, macroTable, publishedTable, sourceLines, type Table } from '../tables.js';
import { escapeLatex } from './escape.js';

/** More rows than a page has go over several by longtable, which takes one column of text. */
const MOST_ROWS = 40;
/** A wider column of words is broken into lines. */
const WIDE = 28;

export function reportLatex(report: SweepReport): string {
  const { sweep, sweeps, cells } = report;
  const settings = Object.keys(cells[0]?.settings ?? {});
  return [
    [
      `% Tables of the sweep ${sweep}, made by \`dss report ${sweeps.join(' ')}\`. In the preamble:`,
      '%   \\usepackage{booktabs,graphicx,longtable,textcomp}',
      `% A row's numbers, unrounded: \`${numberCommand('ADDRESS', sweeps)}\`, with the address beside it.`,
    ].join('\n'),
    latexTable(cellTable(report, true), settings, {
      label: `tab:${sweep}-accuracy`,
      caption: `Sweep ${sweep}: test accuracy, mean ± sample standard deviation over seeds, in percent, with the 95 % interval of the mean by t, cut off at 0 and 100; n is the number of seeds with a result. ${plain(selectionNote(report))}${isMixed(report.mixedEnvironment) ? ` ${COMPARABILITY_NOTE}` : ''}`,
    }),
    latexTable(macroTable(report), settings, {
      label: `tab:${sweep}-datasets`,
      caption: `Sweep ${sweep}: test accuracy in percent, dataset by dataset. ${macroNote(report)}`,
    }),
    latexTable(comparisonTable(report), [...settings, 'family'], {
      label: `tab:${sweep}-comparisons`,
      caption: `Sweep ${sweep}: ${comparedTexts(report).join(', ')}. ${comparisonNote(report)}`,
    }),
    latexTable(publishedTable(report), settings, {
      label: `tab:${sweep}-published`,
      caption: `Sweep ${sweep} beside published numbers. ${publishedNote(report)} ${sourceLines(report).join('. ')}.`,
    }),
  ]
    .filter((block) => block !== '')
    .join('\n\n')
    .concat('\n');
}

interface Naming {
  /** Of a sweep's name, so that nothing in it is special to LaTeX. */
  readonly label: string;
  readonly caption: string;
}

/** Empty for a table without rows. What is the same in all rows is said in the caption: a page has room for little. */
function latexTable(whole: Table, settings: readonly string[], { label, caption }: Naming): string {
  if (whole.rows.length === 0) return '';
  const { table, common } = withoutConstants(whole, settings);
  const naming = { label, caption: common === '' ? caption : `${caption} In all rows: ${common}.` };
  return table.rows.length > MOST_ROWS ? longTable(table, naming) : floatingTable(table, naming);
}

function floatingTable(table: Table, { label, caption }: Naming): string {
  return [
    '\\begin{table}[htbp]',
    `\\centering${sizeOf(table)}`,
    `\\caption{${escapeLatex(caption)}}\\label{${label}}`,
    // Made smaller where the column of text is narrower than it, and left as it is elsewhere.
    '\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%',
    `\\begin{tabular}{${columnsOf(table)}}`,
    '\\toprule',
    headOf(table),
    '\\midrule',
    ...rowsOf(table),
    '\\bottomrule',
    '\\end{tabular}}',
    '\\end{table}',
  ].join('\n');
}

function longTable(table: Table, { label, caption }: Naming): string {
  return [
    `\\begingroup${sizeOf(table)}`,
    `\\begin{longtable}{${columnsOf(table)}}`,
    `\\caption{${escapeLatex(caption)}}\\label{${label}}\\\\`,
    '\\toprule',
    headOf(table),
    '\\midrule\\endfirsthead',
    '\\toprule',
    headOf(table),
    '\\midrule\\endhead',
    '\\bottomrule\\endfoot',
    ...rowsOf(table),
    '\\end{longtable}',
    '\\endgroup',
  ].join('\n');
}

/** Letters of a row from which on a page is too narrow for the usual size. */
const FULL = 84;

function sizeOf({ columns, rows }: Table): string {
  const letters = columns.map(({ title }, place) =>
    Math.max(title.length, ...rows.map((cells) => cells[place]?.length ?? 0)),
  );
  const width = letters.reduce((sum, count) => sum + Math.min(count, WIDE), 0);
  return width > FULL ? '\\scriptsize\\setlength{\\tabcolsep}{2.5pt}' : '\\footnotesize\\setlength{\\tabcolsep}{4pt}';
}

function columnsOf({ columns, rows }: Table): string {
  return columns
    .map(({ align }, place) => {
      if (align === 'right') return 'r';
      return rows.some((cells) => (cells[place]?.length ?? 0) > WIDE) ? 'p{11em}' : 'l';
    })
    .join('');
}

function headOf({ columns }: Table): string {
  return rowOf(columns.map(({ title }) => title));
}

/** Each with the address of its numbers, for whoever doubts one that he reads in a paper. */
function rowsOf({ rows, addresses = [] }: Table): readonly string[] {
  return rows.map((cells, place) => (addresses[place] ? `${rowOf(cells)} % ${addresses[place]}` : rowOf(cells)));
}

/** A row that begins with a bracket would be read as an option of the end of the row before. */
function rowOf(cells: readonly string[]): string {
  return `{}${cells.map(escapeLatex).join(' & ')} \\\\`;
}

/** Notes mark code as Markdown does. */
function plain(text: string): string {
  return text.replaceAll('`', '');
}
