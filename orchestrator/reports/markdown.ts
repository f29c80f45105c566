/** Tables, lists and text as Markdown. */
import { oneLine } from '../core/text.js';
import type { Table } from './tables.js';

export function markdownBullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${escapeText(line)}`).join('\n');
}

export function markdownTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeText).join(' | ')} |`;
  const rule = `|${columns.map(({ align }) => (align === 'right' ? '---:' : '---')).join('|')}|`;
  return [line(columns.map(({ title }) => title)), rule, ...rows.map(line)].join('\n');
}

/** Names and messages are data: none may open a cell, a tag or a link. */
export function escapeText(text: string): string {
  return oneLine(text).replace(/[\\|<>`*[\]]/g, (mark) =>
    mark === '<' ? '&lt;' : mark === '>' ? '&gt;' : `\\${mark}`,
  );
}
