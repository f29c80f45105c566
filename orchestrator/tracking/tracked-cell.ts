/** A cell's trials folded over their seeds, for trackers. */
import type { TrialSettings, TrialState } from '../core/domain.js';
import { sampleOf } from '../core/statistics/sample.js';
import { meanInterval, withinShares } from '../core/statistics/student-t.js';
import { isMixed, mixedLines, mixedOf } from '../reports/mixed-environment.js';
import { cellName, type TrackedTrial } from './tracked.js';

export interface CurvePoint {
  readonly key: string;
  readonly step: number;
  readonly mean: number;
  readonly sd: number;
}

export interface TrackedCell {
  readonly cellId: string;
  readonly name: string;
  /** Of any of its trials: all but the seed are equal. */
  readonly settings: TrialSettings;
  readonly states: Readonly<Record<TrialState, number>>;
  readonly startedAtUnixMs: number;
  /** `null` while trials of it wait or run. */
  readonly endedAtUnixMs: number | null;
  /** Seeds that succeeded. */
  readonly seeds: number;
  /** Why they are not put together, where they ran on what does not compare; else empty. */
  readonly notPooled: string;
  /** Over those seeds: `test_accuracy_mean` and others. */
  readonly summary: Readonly<Record<string, number>>;
  /** Mean and sample standard deviation at each step that all those seeds have; none for fewer than two. */
  readonly curves: readonly CurvePoint[];
}

/** @param trials all of the cell's that were begun; not empty */
export function foldTracked(
  trials: readonly TrackedTrial[],
  states: Readonly<Record<TrialState, number>>,
): TrackedCell {
  const [first] = trials;
  if (first === undefined) throw new RangeError('a cell without trials');
  const done = trials.filter(({ state }) => state === 'succeeded');
  const mixed = mixedOf(done.map(({ environment }) => environment));
  const pooled = isMixed(mixed) ? [] : done;
  return {
    cellId: first.cellId,
    name: cellName(first.settings),
    settings: first.settings,
    states,
    startedAtUnixMs: Math.min(...trials.map(({ startedAtUnixMs }) => startedAtUnixMs)),
    endedAtUnixMs:
      states.queued + states.running > 0 ? null : Math.max(...trials.map(({ endedAtUnixMs }) => endedAtUnixMs ?? 0)),
    seeds: done.length,
    notPooled: isMixed(mixed) ? `its seeds ran in different environments: ${mixedLines(mixed).join('; ')}` : '',
    summary: summaryOf(pooled),
    curves: curvesOf(pooled),
  };
}

/** What a person compares cells by. */
const SUMMARIZED = ['test_accuracy', 'choice_accuracy', 'seconds'] as const;

function summaryOf(done: readonly TrackedTrial[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    SUMMARIZED.flatMap((key) => {
      const values = done.flatMap(({ points }) =>
        points.filter((point) => point.key === key && Number.isFinite(point.value)).map(({ value }) => value),
      );
      return summaryEntries(key, values, { isShare: key !== 'seconds' });
    }),
  );
}

function summaryEntries(
  key: string,
  values: readonly number[],
  { isShare }: { readonly isShare: boolean },
): [string, number][] {
  const sample = sampleOf(values);
  const interval = isShare ? withinShares(meanInterval(sample)) : meanInterval(sample);
  const entries: readonly (readonly [string, number | null])[] = [
    ['mean', sample.mean],
    ['std', sample.sd],
    ['ci95_low', interval?.low ?? null],
    ['ci95_high', interval?.high ?? null],
    ['n', values.length > 0 ? values.length : null],
  ];
  return entries.flatMap(([what, value]) => (value === null ? [] : [[`${key}_${what}`, value]]));
}

function curvesOf(done: readonly TrackedTrial[]): readonly CurvePoint[] {
  const values = new Map<string, { key: string; step: number; values: number[] }>();
  for (const { points } of done) {
    for (const { key, step, value } of points) {
      const id = `${key} ${step}`;
      const entry = values.get(id) ?? { key, step, values: [] };
      entry.values.push(value);
      values.set(id, entry);
    }
  }
  return [...values.values()].flatMap(({ key, step, values }) => {
    const { mean, sd } = sampleOf(values);
    return values.length === done.length && mean !== null && sd !== null ? [{ key, step, mean, sd }] : [];
  });
}
