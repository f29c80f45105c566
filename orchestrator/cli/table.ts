/** Tables for the terminal. */
import { oneLine } from '../core/text.js';
import type { Table } from '../reports/tables.js';

/** Columns two spaces apart, a rule below the titles; nothing trails a line. */
export function renderTable({ columns, rows }: Table): string {
  const lines = [columns.map(({ title }) => title), ...rows].map((line) => line.map(oneLine));
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => width(line[i] ?? ''))));
  const draw = (line: readonly string[]) =>
    columns
      .map(({ align }, i) => {
        const text = line[i] ?? '';
        const space = ' '.repeat((widths[i] ?? 0) - width(text));
        return align === 'right' ? space + text : text + space;
      })
      .join('  ')
      .trimEnd();
  const [titles = [], ...body] = lines;
  return [draw(titles), widths.map((each) => '─'.repeat(each)).join('  '), ...body.map(draw)].join('\n');
}

/** In code points: what these tables hold is Latin script. */
function width(text: string): number {
  return [...text].length;
}
