/** Tables for the terminal. */
import { oneLine } from '../core/text.js';
import type { Table } from '../reports/tables.js';

/** Columns two spaces apart, a rule below the titles; nothing trails a line. */
export function renderTable({ columns, rows }: Table): string {
  const lines = [columns.map(({ title }) => title), ...rows].map((line) => line.map(oneLine));
  // Not by spreading: a sweep may have more rows than a call has arguments.
  const widths = columns.map((_, i) => lines.reduce((most, line) => Math.max(most, width(line[i] ?? '')), 0));
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
