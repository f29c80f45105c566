/** What prints each row of a report, unrounded: for who sees a number on its page and asks where it is from. */
import { cellNames } from './cell-names.js';
import { comparisonLabels } from './comparison-tables.js';
import { acrossDatasets } from './macro-average.js';
import { numberCommand } from './manifest.js';
import { comparisonId, publishedId, teacherId } from './row-ids.js';
import type { SweepReport } from './sweep-report.js';
import { left, type Table } from './tables.js';

export function commandTable(report: SweepReport): Table {
  const { cells, comparisons, published, teachers, sweeps } = report;
  const names = cellNames(cells);
  const labels = comparisonLabels(report);
  const averages = acrossDatasets(cells).flatMap(({ cells: own, average }) => {
    const [cell] = own.values();
    return average === null || cell === undefined ? [] : [{ cell, average }];
  });
  const rows: readonly (readonly [string, string])[] = [
    ...cells.map((cell) => [names.textsOf(cell).join(', '), `cells.${cell.id}`] as const),
    ...averages.map(({ cell, average }) => {
      const allDatasets = { ...cell, settings: { ...cell.settings, dataset: 'all datasets' } };
      return [names.textsOf(allDatasets).join(', '), `over_datasets.${average.id}`] as const;
    }),
    ...comparisons.map((each, place) => [labels[place] ?? '', `comparisons.${comparisonId(each)}`] as const),
    ...published.map((each) => {
      return [
        `beside a published number: ${names.textsOf(each.cell).join(', ')}`,
        `published.${publishedId(each)}`,
      ] as const;
    }),
    ...teachers.map((each) => [`the teacher: ${each.dataset}, ${each.split}`, `teachers.${teacherId(each)}`] as const),
  ];
  return {
    columns: [left('row'), left('command')],
    rows: rows.map(([text, address]) => [text, numberCommand(address, sweeps)]),
  };
}
