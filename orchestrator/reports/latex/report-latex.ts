/** `tables.tex`: the tables that a paper has, to be put in by `\input{tables}`. */
import { comparisonNote, selectionNote } from '../notes.js';
import type { SweepReport } from '../sweep-report.js';
import { cellTable, comparisonTable, type Table } from '../tables.js';
import { escapeLatex } from './escape.js';

/** More rows than a page has go over several by longtable, which takes one column of text. */
const MOST_ROWS = 40;
/** A wider column of words is broken into lines. */
const WIDE = 28;

export function reportLatex(report: SweepReport): string {
  const { sweep } = report;
  return [
    [
      `% Tables of the sweep ${sweep}, made by \`dss report ${sweep}\`. In the preamble:`,
      '%   \\usepackage{booktabs,longtable,textcomp}',
    ].join('\n'),
    latexTable(cellTable(report), {
      label: `tab:${sweep}-accuracy`,
      caption: `Sweep ${sweep}: test accuracy, mean ± sample standard deviation over seeds, in percent; n is the number of seeds with a result. ${plain(selectionNote(report))}`,
    }),
    latexTable(comparisonTable(report), {
      label: `tab:${sweep}-comparisons`,
      caption: `Sweep ${sweep}: methods against standard training. ${comparisonNote(report)}`,
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

/** Empty for a table without rows. */
function latexTable(table: Table, naming: Naming): string {
  if (table.rows.length === 0) return '';
  return table.rows.length > MOST_ROWS ? longTable(table, naming) : floatingTable(table, naming);
}

function floatingTable(table: Table, { label, caption }: Naming): string {
  return [
    '\\begin{table}[htbp]',
    '\\centering\\footnotesize\\setlength{\\tabcolsep}{4pt}',
    `\\caption{${escapeLatex(caption)}}\\label{${label}}`,
    `\\begin{tabular}{${columnsOf(table)}}`,
    '\\toprule',
    headOf(table),
    '\\midrule',
    ...table.rows.map(rowOf),
    '\\bottomrule',
    '\\end{tabular}',
    '\\end{table}',
  ].join('\n');
}

function longTable(table: Table, { label, caption }: Naming): string {
  return [
    '\\begingroup\\footnotesize\\setlength{\\tabcolsep}{4pt}',
    `\\begin{longtable}{${columnsOf(table)}}`,
    `\\caption{${escapeLatex(caption)}}\\label{${label}}\\\\`,
    '\\toprule',
    headOf(table),
    '\\midrule\\endfirsthead',
    '\\toprule',
    headOf(table),
    '\\midrule\\endhead',
    '\\bottomrule\\endfoot',
    ...table.rows.map(rowOf),
    '\\end{longtable}',
    '\\endgroup',
  ].join('\n');
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

/** A row that begins with a bracket would be read as an option of the end of the row before. */
function rowOf(cells: readonly string[]): string {
  return `{}${cells.map(escapeLatex).join(' & ')} \\\\`;
}

/** Notes mark code as Markdown does. */
function plain(text: string): string {
  return text.replaceAll('`', '');
}
