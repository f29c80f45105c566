/** Tables without the settings that are the same in every row: a narrow page has no room for them. */
import type { Table } from './tables.js';

export interface NarrowTable {
  readonly table: Table;
  /** `model ./my-t5, label_type gt`; empty: none is the same in all rows. */
  readonly common: string;
}

/** @param settings titles of columns that may be left out */
export function withoutConstants(table: Table, settings: readonly string[]): NarrowTable {
  const { columns, rows } = table;
  const [first] = rows;
  if (first === undefined || rows.length === 1) return { table, common: '' };
  const isConstant = columns.map(
    ({ title }, place) => settings.includes(title) && rows.every((cells) => cells[place] === first[place]),
  );
  const kept = <T>(items: readonly T[]) => items.filter((_, place) => !isConstant[place]);
  return {
    table: { ...table, columns: kept(columns), rows: rows.map(kept) },
    common: columns.flatMap(({ title }, place) => (isConstant[place] ? [`${title} ${first[place]}`] : [])).join(', '),
  };
}
