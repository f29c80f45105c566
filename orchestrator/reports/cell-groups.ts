/** Which trials may be put together: those of equal settings but for the seed that ran on what compares. */
import { createHash } from 'node:crypto';
import { decisiveOf, type Environment, keyOfEnvironment } from '../core/environment.js';
import type { CellSettings, TrialRecord } from '../core/records.js';
import { grouped } from './grouped.js';

export interface CellGroup {
  readonly key: string;
  /** In the sweep's order. */
  readonly records: readonly [TrialRecord, ...TrialRecord[]];
  readonly environmentKey: string;
  /** Of what can change a number; `null`: none of them has a result. */
  readonly environment: Environment | null;
}

/** In the order in which the sweep first names their settings. */
export function groupCells(records: readonly TrialRecord[]): readonly CellGroup[] {
  const usual = usualEnvironment(records);
  return grouped(records, ({ trial }) => keyOfCell(trial.settings)).flatMap((group) => groupsOf(group, usual));
}

/** The cell of each trial, by trial id. */
export function cellIds(records: readonly TrialRecord[]): ReadonlyMap<string, string> {
  return new Map(
    groupCells(records).flatMap((group) => {
      const id = idOfKey(group.key);
      return group.records.map(({ trial }) => [trial.trialId, id] as const);
    }),
  );
}

/** Of a trial's settings or a cell's: equal for trials that differ in their seed alone. */
export function keyOfCell(settings: CellSettings): string {
  const known = KEYS.get(settings);
  if (known !== undefined) return known;
  const key = keyWithout(settings, ['seed']);
  KEYS.set(settings, key);
  return key;
}

/** Of a trial it is asked for by several parts of a report, and a sweep may have many thousands. */
const KEYS = new WeakMap<CellSettings, string>();

/** Equal for settings that differ in nothing but the keys left out. */
export function keyWithout(settings: object, leftOut: readonly string[]): string {
  const kept = Object.entries(settings).filter(([name]) => !leftOut.includes(name));
  return JSON.stringify(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Short enough to be typed, and of a report's cells no two the same. */
export function idOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 12);
}

/** What one environment has of a cell's trials, the most first. Trials without a result are with the most. */
function groupsOf(records: readonly [TrialRecord, ...TrialRecord[]], usual: string): readonly CellGroup[] {
  const settingsKey = keyOfCell(records[0].trial.settings);
  const ranked = [...environmentCounts(records)].sort(
    ([a, ofA], [b, ofB]) => ofB - ofA || Number(b === usual) - Number(a === usual),
  );
  const first = ranked[0]?.[0] ?? usual;
  const rankOf = ({ environmentKey }: CellGroup) => ranked.findIndex(([key]) => key === environmentKey);
  const groups = grouped(records, (record) => environmentKeyOf(record) ?? first).map((own): CellGroup => {
    const result = own.find((record) => record.result !== null)?.result ?? null;
    const environmentKey = result === null ? first : keyOfEnvironment(result.environment);
    return {
      // The first keeps the name that its settings have: it is the only one nearly always, and trackers know it by it.
      key: environmentKey === first ? settingsKey : `${settingsKey}${environmentKey}`,
      records: own,
      environmentKey,
      environment: result === null ? null : decisiveOf(result.environment),
    };
  });
  return groups.sort((a, b) => rankOf(a) - rankOf(b));
}

/** That of most trials, of equally many the one seen first. */
function usualEnvironment(records: readonly TrialRecord[]): string {
  const [usual] = [...environmentCounts(records)].sort(([, a], [, b]) => b - a);
  return usual?.[0] ?? '';
}

/** Results by what they ran on, in the order in which each is first seen. */
function environmentCounts(records: readonly TrialRecord[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) {
    const key = environmentKeyOf(record);
    if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function environmentKeyOf({ result }: TrialRecord): string | null {
  return result === null ? null : keyOfEnvironment(result.environment);
}
