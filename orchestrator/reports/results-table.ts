/** What `dss results` shows of a sweep; numbers that no trial has get no column. */
import { decisiveOf } from '../core/environment.js';
import type { TrialRecord } from '../core/records.js';
import { ENVIRONMENT } from './cell-names.js';
import { foldCells, shownSettings } from './cells.js';
import { duration, gibibytes, percent, rate } from './format.js';
import { type Measures, measuresOf } from './measures.js';
import { environmentText, isMixed, type MixedEnvironment, mixedEnvironmentOf } from './mixed-environment.js';
import type { Table } from './tables.js';

/** One row per trial, in the sweep's order; with what it ran on where that keeps trials from being put together. */
export function resultsTable(records: readonly TrialRecord[]): Table {
  const shown = shownSettings(foldCells(records));
  const mixed = mixedEnvironmentOf(records);
  const titles = ['trial', ...shown, 'seed', 'state', ...(isMixed(mixed) ? [ENVIRONMENT] : [])];
  const numbers = NUMBERS.filter(({ isShown }) => isShown === undefined || records.some(isShown));
  return {
    columns: [
      ...titles.map((title) => ({ title, align: 'left' as const })),
      ...numbers.map(({ title }) => ({ title, align: 'right' as const })),
    ],
    rows: records.map((record) => [
      record.trial.trialId.slice(0, 8),
      ...shown.map((name) => String(record.trial.settings[name] ?? '–')),
      String(record.trial.settings.seed),
      record.state,
      ...(isMixed(mixed) ? [placeText(record, mixed)] : []),
      ...numbers.map(({ textOf }) => textOf(record)),
    ]),
  };
}

function placeText({ result }: TrialRecord, mixed: MixedEnvironment): string {
  return result === null ? '–' : environmentText(decisiveOf(result.environment), mixed);
}

interface NumberColumn {
  readonly title: string;
  readonly textOf: (record: TrialRecord) => string;
  /** The column is left out where this holds for no trial. */
  readonly isShown?: (record: TrialRecord) => boolean;
}

const NUMBERS: readonly NumberColumn[] = [
  { title: 'attempts', textOf: ({ attempts }) => String(attempts) },
  { title: 'accuracy %', textOf: ({ result }) => percent(result?.testAccuracy ?? null) },
  {
    title: 'choices %',
    textOf: ({ result }) => percent(result?.choiceAccuracy ?? null),
    isShown: ({ result }) => (result?.choiceAccuracy ?? null) !== null,
  },
  { title: 'step', textOf: ({ result }) => String(result?.selectedStep ?? '–') },
  {
    title: 'resumed at',
    textOf: ({ result }) => String(result?.resumedStep || '–'),
    isShown: ({ result }) => (result?.resumedStep ?? 0) > 0,
  },
  { title: 'time', textOf: ({ result }) => duration(result?.seconds ?? null) },
  measured('examples/s', 'examplesPerSecond', rate),
  measured('tokens/s', 'usefulTokensPerSecond', rate),
  measured('MFU %', 'mfuUseful', percent),
  measured('memory', 'peakMemoryBytes', gibibytes),
];

function measured(
  title: string,
  name: Exclude<keyof Measures, 'peakFlopsSource'>,
  toText: (value: number | null) => string,
): NumberColumn {
  const numberOf = ({ result }: TrialRecord) => (result === null ? null : measuresOf(result)[name]);
  return { title, textOf: (record) => toText(numberOf(record)), isShown: (record) => numberOf(record) !== null };
}
