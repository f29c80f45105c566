/** Values that no cell of a sweep has: whoever names them thinks of another sweep, or has slipped. */
import { closest } from '../closest.js';
import { shortList } from '../text.js';
import { axisOf, type SettingName } from './settings.js';
import { type SpecIssue, shown } from './spec-error.js';
import type { Condition } from './spec-values.js';

/** What a setting is in some cell, and whether the grid lists it. */
export interface KnownValues {
  readonly values: readonly unknown[];
  readonly isAxis: boolean;
}

type KnownOf = (name: SettingName) => KnownValues;

/** @param path of the list in the file */
export function absentValues(
  name: SettingName,
  named: readonly unknown[],
  { values, isAxis }: KnownValues,
  path: SpecIssue['path'],
): readonly SpecIssue[] {
  const texts = values.map((value) => (value === null ? 'none' : String(value)));
  return [...named.entries()]
    .filter(([, value]) => !values.includes(value))
    .map(([place, value]) => {
      const meant = typeof value === 'string' ? closest(value, texts) : null;
      const put = isAxis
        ? `put it on the axis ${axisOf(name)} of grid too`
        : `${axisOf(name)} is no axis of this grid: list its values there`;
      return {
        path: [...path, place],
        at: 'value',
        message: `expected values that the sweep has (${shortList(texts)}), got ${shown(value)}`,
        hint: meant === null ? `${put}, or leave it out here` : `did you mean ${meant}?`,
      };
    });
}

/** @param path of the condition in the file */
export function absentFromCells(condition: Condition, knownOf: KnownOf, path: SpecIssue['path']): readonly SpecIssue[] {
  return (Object.entries(condition) as [SettingName, readonly unknown[]][]).flatMap(([name, named]) =>
    absentValues(name, named, knownOf(name), [...path, axisOf(name)]),
  );
}
