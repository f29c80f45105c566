/** Two sweeps side by side, as sentences and tables; each output format draws them its own way. */
import type { CellSettings } from '../core/records.js';
import { sampleOf } from '../core/statistics/sample.js';
import type { SettingDifference } from '../core/sweep/sweep-difference.js';
import { cellNames, settingText } from './cell-names.js';
import { type Cell, shownSettings } from './cells.js';
import { significanceText } from './comparison-tables.js';
import { accuracyInPairs } from './comparisons.js';
import { counted, differencesText, intervalText, percentSample, signedPercentSample } from './format.js';
import { isShown } from './inference.js';
import type { Table } from './tables.js';
import type { TwinCells, TwoSweeps } from './two-sweeps.js';

export function twoSweepsAnswer({
  first,
  second,
  changed,
  environment,
  twins,
  difference,
}: TwoSweeps): readonly string[] {
  const what = changed.map((name) => `${name} (${valuesText(first.cells, name)} → ${valuesText(second.cells, name)})`);
  const where = environment.map(({ name, first: a, second: b }) => `${name} (${a.join(', ')} → ${b.join(', ')})`);
  const all = [...what, ...where];
  const compared = twins.filter(({ isSame, pairs }) => !isSame && pairs.length > 0);
  return [
    difference === null
      ? `${first.sweep} and ${second.sweep} have the same trials: what one measured is what the other measured.`
      : all.length === 0
        ? `${first.sweep} and ${second.sweep} ran in the same environment, and no setting is another in all trials; some trials are of one alone.`
        : `From ${first.sweep} to ${second.sweep}, ${all.join(', ')} changed.`,
    ...(compared.length === 0 ? [] : [resultSentence(compared)]),
  ];
}

function resultSentence(twins: readonly TwinCells[]): string {
  const means = twins.map(({ pairs }) => sampleOf(pairs.map((pair) => pair.difference)).mean ?? 0);
  const shown = twins.filter(({ inference }) => inference !== null && isShown(inference.significance)).length;
  return (
    `Of ${counted(twins.length, 'cell')} that both have but for that, ${shown === 0 ? 'none differs' : `${shown} ${shown === 1 ? 'differs' : 'differ'}`} by more than chance; ` +
    `${differencesText(means)}.`
  );
}

function valuesText(cells: readonly Cell[], name: keyof CellSettings): string {
  return [...new Set(cells.map(({ settings }) => settingText(settings[name])))].join(', ');
}

/** One row per setting that has values which only one of the two has. */
export function settingsTable({ first, second, difference }: TwoSweeps): Table {
  const text = (values: readonly unknown[]) =>
    values.length === 0 ? '–' : values.map((value) => (value === null ? 'none' : String(value))).join(', ');
  return {
    columns: ['setting', `only in ${first.sweep}`, `only in ${second.sweep}`].map((title) => ({
      title,
      align: 'left',
    })),
    rows: (difference?.settings ?? []).map(({ setting, gone, added }: SettingDifference) => [
      setting,
      text(gone),
      text(added),
    ]),
  };
}

export function environmentTable({ first, second, environment }: TwoSweeps): Table {
  return {
    columns: ['environment', first.sweep, second.sweep].map((title) => ({ title, align: 'left' })),
    rows: environment.map(({ name, first: a, second: b }) => [name, a.join(', ') || '–', b.join(', ') || '–']),
  };
}

/** One row per cell that both have. */
export function twinsTable({ first, second, changed, twins }: TwoSweeps): Table {
  const shown = shownSettings(twins.map((each) => each.first)).filter((name) => !changed.includes(name));
  return {
    columns: [
      ...shown.map((title) => ({ title, align: 'left' as const })),
      ...[`${first.sweep} %`, `${second.sweep} %`, 'difference', '95 % interval', 'pairs'].map((title) => ({
        title,
        align: 'right' as const,
      })),
      { title: 'more than chance?', align: 'left' },
    ],
    rows: twins.map(({ first: a, second: b, pairs, isSame, inference }) => [
      ...shown.map((name) => settingText(a.settings[name])),
      percentSample(accuracyInPairs(a, pairs)),
      percentSample(accuracyInPairs(b, pairs)),
      isSame ? '–' : signedPercentSample(sampleOf(pairs.map(({ difference }) => difference))),
      intervalText(inference?.interval ?? null),
      String(pairs.length),
      inference === null ? 'the same trials' : significanceText(inference.significance),
    ]),
  };
}

/** Cells that only one of the two has, or of which several would fit. */
export function aloneLines({ first, second, onlyFirst, onlySecond }: TwoSweeps): readonly string[] {
  const line = (sweep: string, cells: readonly Cell[]) => {
    const names = cellNames(cells);
    return cells.map((cell) => `${sweep}: ${names.textsOf(cell).join(', ')}: ${percentSample(cell.accuracy)} %`);
  };
  return [...line(first.sweep, onlyFirst), ...line(second.sweep, onlySecond)];
}

export const TWINS_NOTE =
  'Cells of equal settings, but for those that changed as a whole, paired by seed: the second sweep minus the first, mean ± sample standard deviation, in points, with the 95 % interval of the mean by t. The accuracies beside them are over the seeds in pairs alone. p is two-sided, corrected by Holm for the cells that could be tested, and exploratory: nobody declared this comparison beforehand. Where the environment changed, a difference is that of both.';
