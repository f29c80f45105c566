/** What tells cells apart in the rows of a table: settings, and the environment where they ran on several. */
import type { CellSettings } from '../core/records.js';
import { type Cell, shownSettings } from './cells.js';

interface CellNames {
  /** Of columns. */
  readonly titles: readonly string[];
  readonly textsOf: (cell: Cell) => readonly string[];
}

export const ENVIRONMENT = 'environment';

export function cellNames(cells: readonly Cell[]): CellNames {
  const shown = shownSettings(cells);
  const isApart = areApart(cells);
  return {
    titles: isApart ? [...shown, ENVIRONMENT] : shown,
    textsOf: ({ settings, environmentText }) => [
      ...shown.map((name) => settingText(settings[name])),
      ...(isApart ? [environmentText] : []),
    ],
  };
}

/** They ran on what does not compare. */
export function areApart(cells: readonly Cell[]): boolean {
  return cells.some(({ environmentText }) => environmentText !== '');
}

export function settingText(value: CellSettings[keyof CellSettings]): string {
  return value === null ? '–' : String(value);
}
