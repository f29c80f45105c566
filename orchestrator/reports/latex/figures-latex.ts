/** `figures.tex`: every figure of a report as a float with its caption, to be put in by `\input{figures}`. */
import { figureNote } from '../figures/figure-note.js';
import type { LineChart } from '../figures/line-chart.js';
import type { SweepReport } from '../sweep-report.js';
import { escapeLatex } from './escape.js';

/** LaTeX gives up where too many wait for a page. */
const FLOATS_AT_ONCE = 12;

export function figuresLatex({ sweep, sweeps }: SweepReport, charts: readonly LineChart[]): string {
  const floats = charts.map((chart, place) =>
    place > 0 && place % FLOATS_AT_ONCE === 0 ? `\\clearpage\n${floatOf(sweep, chart)}` : floatOf(sweep, chart),
  );
  return [
    [
      `% Figures of the sweep ${sweep}, made by \`dss report ${sweeps.join(' ')}\`. In the preamble:`,
      '%   \\usepackage{graphicx,textcomp}',
      '% From another folder than this one, before: \\graphicspath{{PATH-OF-THIS-FOLDER/}}',
    ].join('\n'),
    ...floats,
  ]
    .join('\n\n')
    .concat('\n');
}

function floatOf(sweep: string, chart: LineChart): string {
  const { id, title } = chart;
  return [
    '\\begin{figure}[htbp]',
    '\\centering',
    `\\includegraphics[width=\\linewidth]{figures/${id}.pdf}`,
    `\\caption{${escapeLatex(`${title}. ${figureNote([chart])}`)}}\\label{fig:${sweep}-${id}}`,
    '\\end{figure}',
  ].join('\n');
}
