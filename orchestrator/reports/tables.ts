/** The report's tables as plain text cells; each output format draws them its own way. */
import type { Sample } from '../core/statistics/sample.js';
import { keyOfCell } from './cell-groups.js';
import { areApart, cellNames, ENVIRONMENT, settingText } from './cell-names.js';
import { type Cell, isPresent, missingSeeds, shownSettings } from './cells.js';
import { counted, duration, gibibytes, percent, percentSample, rangeText, rate } from './format.js';
import { grouped } from './grouped.js';
import { acrossDatasets, settingsByDataset } from './macro-average.js';
import { mixedLines } from './mixed-environment.js';
import { publishedId } from './row-ids.js';
import type { SweepReport, TeacherQuality } from './sweep-report.js';
import { teacherOf } from './teacher-of.js';

export interface Table {
  readonly columns: readonly { readonly title: string; readonly align: 'left' | 'right' }[];
  readonly rows: readonly (readonly string[])[];
  /** Of each row, where the numbers of it are in summary.json; empty: nowhere. */
  readonly addresses?: readonly string[];
}

export const left = (title: string) => ({ title, align: 'left' as const });
export const right = (title: string) => ({ title, align: 'right' as const });

/** One row per cell: test accuracy over its seeds. @param hasIntervals a page has room for them, and a terminal not */
export function cellTable({ cells, teachers, intervals }: SweepReport, hasIntervals = false): Table {
  const names = cellNames(cells);
  const hasChoices = cells.some(({ choiceAccuracy }) => choiceAccuracy.n > 0);
  const hasBootstrap = hasIntervals && cells.some(({ key }) => intervals.get(key)?.byBootstrap);
  return {
    columns: [
      ...names.titles.map(left),
      right('accuracy %'),
      ...(hasIntervals ? [right('95 % interval')] : []),
      ...(hasBootstrap ? [right('by bootstrap')] : []),
      ...(hasChoices ? [right('choices %')] : []),
      right('n'),
      ...(teachers.length > 0 ? [right('teacher %')] : []),
      right('steps'),
      right('time per trial'),
    ],
    rows: cells.map((cell) => [
      ...names.textsOf(cell),
      percentSample(cell.accuracy),
      ...(hasIntervals ? [rangeText(intervals.get(cell.key)?.byT ?? null)] : []),
      ...(hasBootstrap ? [rangeText(intervals.get(cell.key)?.byBootstrap ?? null)] : []),
      ...(hasChoices ? [percentSample(cell.choiceAccuracy)] : []),
      seedCount(cell),
      ...(teachers.length > 0 ? [percent(teacherOf(cell.settings, teachers)?.labelAccuracy ?? null)] : []),
      String(cell.settings.max_steps),
      duration(cell.seconds.mean),
    ]),
    addresses: cells.map(({ id }) => `cells.${id}`),
  };
}

/** One row per method and what else there is, one column per dataset: as papers have it. */
export function macroTable({ cells }: SweepReport): Table {
  const across = acrossDatasets(cells);
  const datasets = [...new Set(cells.map(({ settings }) => settings.dataset))];
  const byDataset = settingsByDataset(cells);
  const shown = shownSettings(cells).filter((name) => name !== 'dataset' && !byDataset.has(name));
  const titles = [...datasets.map((name) => `${name} %`), 'mean of all %', '95 % interval', 'n'];
  const isApart = areApart(cells);
  return {
    columns: [...shown.map(left), ...(isApart ? [left(ENVIRONMENT)] : []), ...titles.map(right)],
    rows: across.map(({ settings, environmentText, cells: own, average }) => [
      ...shown.map((name) => settingText(settings[name as keyof typeof settings])),
      ...(isApart ? [environmentText] : []),
      ...datasets.map((name) => percentSample(own.get(name)?.accuracy ?? NOBODY)),
      percentSample(average?.accuracy ?? NOBODY),
      rangeText(average?.interval ?? null),
      average === null ? '–' : String(average.accuracy.n),
    ]),
    addresses: across.map(({ average }) => (average === null ? '' : `over_datasets.${average.id}`)),
  };
}

const NOBODY: Sample = { n: 0, mean: null, sd: null };

/** Of settings that datasets have values of their own for: `batch_size is not the same for all: cqa 64, anli1 32`. */
export function byDatasetLines({ cells }: SweepReport): readonly string[] {
  return [...settingsByDataset(cells)].map(
    ([name, values]) =>
      `${name} is not the same for all datasets: ${[...values].map(([dataset, value]) => `${dataset} ${value}`).join(', ')}.`,
  );
}

/** `5`, or `3 of 5` when seeds have no result. */
function seedCount({ accuracy, seeds }: Cell): string {
  return accuracy.n === seeds.length ? String(accuracy.n) : `${accuracy.n} of ${seeds.length}`;
}

/** What keeps trials of a sweep from being put together, and a line per setting of which cells are apart for it. */
export function comparabilityLines({ cells, mixedEnvironment }: SweepReport): readonly string[] {
  const shown = shownSettings(cells);
  const apart = grouped(cells, ({ settings }) => keyOfCell(settings)).filter((group) => group.length > 1);
  return [
    ...mixedLines(mixedEnvironment),
    ...apart.map((group) => {
      const name = shown.map((each) => settingText(group[0].settings[each])).join(', ');
      const parts = group.map(
        ({ accuracy, environmentText }) => `${counted(accuracy.n, 'seed')} on ${environmentText}`,
      );
      return `apart in ${name}: ${parts.join('; ')}`;
    }),
  ];
}

export function teacherTable(teachers: readonly TeacherQuality[]): Table {
  return {
    columns: [
      left('dataset'),
      left('teacher'),
      left('split'),
      right('rows'),
      right('labels right %'),
      right('rationales %'),
      right('words'),
      right('99 % have at most'),
    ],
    rows: teachers.map(({ dataset, teacher, split, rows, labelAccuracy, rationaleCoverage, rationaleWords }) => [
      dataset,
      teacher ?? 'its own',
      split,
      String(rows),
      percent(labelAccuracy),
      percent(rationaleCoverage),
      rationaleWords === null ? '–' : rationaleWords.mean.toFixed(1),
      rationaleWords === null ? '–' : String(rationaleWords.p99),
    ]),
  };
}

/** One row per cell: how fast it trained and what it needed, over its seeds. */
export function measuresTable({ cells }: SweepReport): Table {
  const names = cellNames(cells);
  const titles = ['examples/s', 'tokens/s', 'with padding', 'MFU %', 'with padding', 'memory', 'predicted'];
  return {
    columns: [...names.titles.map(left), ...titles.map(right)],
    rows: cells
      .filter(({ measures }) => measures.examplesPerSecond.n > 0)
      .map((cell) => [...names.textsOf(cell), ...measureTexts(cell)]),
  };
}

function measureTexts({ measures }: Cell): readonly string[] {
  return [
    rate(measures.examplesPerSecond.mean),
    rate(measures.usefulTokensPerSecond.mean),
    rate(measures.paddedTokensPerSecond.mean),
    percent(measures.mfuUseful.mean),
    percent(measures.mfuPadded.mean),
    gibibytes(measures.peakMemoryBytes),
    gibibytes(measures.predictedMemoryBytes),
  ];
}

/** One row per cell and published number. */
export function publishedTable({ cells, published }: SweepReport): Table {
  const names = cellNames(cells);
  return {
    columns: [
      ...names.titles.map(left),
      right('accuracy %'),
      right('n'),
      right('published %'),
      right('95 % interval'),
      left('verdict'),
    ],
    rows: published.map(({ cell, number, verdict }) => [
      ...names.textsOf(cell),
      percentSample(cell.accuracy),
      seedCount(cell),
      `${percent(number.accuracy)}${number.isVerified ? '' : ' (unverified)'}`,
      rangeText(verdict.kind === 'not comparable' ? null : verdict.interval),
      verdict.kind === 'not comparable' ? `not comparable: ${verdict.reasons.join('; ')}` : verdict.kind,
    ]),
    addresses: published.map((each) => `published.${publishedId(each)}`),
  };
}

/** Of the numbers of `publishedTable`: where they stand, and how sure they are. */
export function sourceLines({ published }: SweepReport): readonly string[] {
  const lines = published.map(({ number: { source, isVerified, runs } }) => {
    const { cite, url, place, read, note } = source;
    return [
      `${cite}, ${place} (${url}), read ${read}`,
      isVerified ? '' : 'not verified against the source',
      runs === null ? 'of how many runs is not known, and it is taken for one' : `means of ${counted(runs, 'run')}`,
      note,
    ]
      .filter((part) => part !== '')
      .join('; ');
  });
  return [...new Set(lines)];
}

/** One row per cell: what a plan says of its trials, and what they took; medians over its seeds. */
export function plannedTable({ cells, planned }: SweepReport): Table {
  const names = cellNames(cells);
  const titles = ['trials', 'time planned', 'seen', 'seen / planned', 'memory planned', 'seen', 'seen / planned'];
  const ratio = (value: number | null) => (value === null ? '–' : value.toFixed(2));
  return {
    columns: [...names.titles.map(left), ...titles.map(right)],
    rows: cells.flatMap((cell) => {
      const each = planned.get(cell.key);
      if (each === undefined || (each.time === null && each.memory === null)) return [];
      return [
        [
          ...names.textsOf(cell),
          String(each.trials),
          duration(each.plannedSeconds),
          duration(each.seenSeconds),
          ratio(each.time),
          gibibytes(each.plannedBytes),
          gibibytes(each.seenBytes),
          ratio(each.memory),
        ],
      ];
    }),
  };
}

/** One row per phase of all trials together. */
export function timeTable({ timeSpent }: SweepReport): Table {
  const { byPhase, totalSeconds } = timeSpent;
  const row = (phase: string, seconds: number) => [phase, duration(seconds), percent(seconds / totalSeconds)];
  return {
    columns: [left('phase'), right('time'), right('%')],
    rows: [...byPhase.map(({ phase, seconds }) => row(phase, seconds)), row('all', totalSeconds)],
  };
}

/** One row per cell: its time, and the share of each phase. */
export function cellTimeTable({ cells, timeSpent }: SweepReport): Table {
  const names = cellNames(cells);
  const phases = timeSpent.byPhase.map(({ phase }) => phase);
  return {
    columns: [...names.titles.map(left), right('time'), ...phases.map((phase) => right(`${phase} %`))],
    rows: cells
      .filter((cell) => cell.timeSpent.totalSeconds > 0)
      .map((cell) => [
        ...names.textsOf(cell),
        duration(cell.timeSpent.totalSeconds),
        ...phases.map((name) => {
          const spent = cell.timeSpent.byPhase.find(({ phase }) => phase === name);
          return percent(spent === undefined ? null : spent.seconds / cell.timeSpent.totalSeconds);
        }),
      ]),
  };
}

/** What the means leave out, a line per cell. */
export function missingLines({ cells }: SweepReport): readonly string[] {
  const shown = shownSettings(cells);
  return cells.flatMap((cell) => {
    const missing = missingSeeds(cell);
    if (missing.length === 0) return [];
    const name = shown
      .map((each) => cell.settings[each])
      .filter(isPresent)
      .join(' · ');
    const seeds = missing.map(({ seed, state, failure }) => {
      const why = state === 'succeeded' ? 'its accuracy is not a number' : failure?.code;
      return `${seed} ${state}${why === undefined ? '' : ` (${why})`}`;
    });
    return [`${name}: seed ${seeds.join(', ')}`];
  });
}

/** The first to fail first. */
export function failureLines({ failures }: SweepReport): readonly string[] {
  return failures.map(({ trialId, settings, attempts, code, message, hint }) => {
    const { model, dataset, label_type, model_type, seed } = settings;
    const what = `${model}, ${dataset}, ${label_type}, ${model_type}, seed ${seed}`;
    return `${trialId} (${what}), attempt ${attempts}: ${code}: ${message}${hint === '' ? '' : ` (${hint})`}`;
  });
}
