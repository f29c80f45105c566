/**
 * The section `compare` of a sweep file: the comparisons that it is about, said before there are results. Nothing here
 * changes which trials there are, or what they learn.
 *
 * 2026-11: one entry names one setting and its values, of which the last is what the others are held against, wherever
 * all else is equal. Weighed against formulas and against pairs of whole cells: those can say more, and nobody sees at
 * a glance how many comparisons they are, which is what the correction depends on.
 */
import { z } from 'zod';
import { absentFromCells, absentValues, type KnownValues } from './absent-values.js';
import type { JsonValue } from './place.js';
import { axisOf, FIELDS, type LearnedSettings, RUN_NAMES, SETTING_NAMES, type SettingName } from './settings.js';
import type { SpecIssue } from './spec-error.js';
import { mapping } from './spec-schema.js';
import { bySetting, type Condition, condition, optional, values } from './spec-values.js';

/** What a seed's two trials, or a test row's two answers, are paired by. */
export type PairedBy = 'seed' | 'row';
export const PAIRINGS: readonly PairedBy[] = ['seed', 'row'];

export type ComparedSetting = Exclude<keyof LearnedSettings, 'seed'>;

export interface DeclaredComparison {
  readonly setting: ComparedSetting;
  /** Each but the last is held against the last. */
  readonly values: readonly (string | number)[];
  /** Only cells like these; empty: all. */
  readonly where: Condition;
  readonly pairedBy: PairedBy;
}

/** Seeds are what pairs, and how a trial is run changes no result. */
const COMPARABLE: readonly SettingName[] = SETTING_NAMES.filter(
  (name) => name !== 'seed' && !RUN_NAMES.some((other) => other === name),
);
export const COMPARED_KEYS: readonly string[] = COMPARABLE.map(axisOf);
export const COMPARE_KEYS: readonly string[] = [...COMPARED_KEYS, 'where', 'pair_by'];

export const CompareValue = z
  .array(
    mapping({
      ...optional(COMPARABLE, (name) => values(FIELDS[name], { repeats: false, least: 2 })),
      where: condition(COMPARABLE).optional(),
      pair_by: z
        .custom<PairedBy>((value) => PAIRINGS.some((each) => each === value), `expected ${PAIRINGS.join(' or ')}`)
        .optional(),
    }),
    { error: 'expected a list' },
  )
  .superRefine((entries, context) => {
    for (const [place, entry] of entries.entries()) {
      const named = Object.keys(bySetting(COMPARABLE, entry));
      if (named.length === 1) continue;
      context.addIssue({
        code: 'custom',
        path: [place],
        message: `expected one setting to compare, found ${named.length}`,
      });
    }
  });

/** Each entry is one that has passed `CompareValue`. */
export function comparisonsOf(entries: z.infer<typeof CompareValue> | undefined): readonly DeclaredComparison[] {
  return (entries ?? []).map((entry) => {
    const [[setting, list] = []] = Object.entries(bySetting(COMPARABLE, entry));
    return {
      setting: setting as ComparedSetting,
      values: list as DeclaredComparison['values'],
      where: entry.where === undefined ? {} : bySetting(COMPARABLE, entry.where),
      pairedBy: entry.pair_by ?? 'seed',
    };
  });
}

export function comparisonIssues(
  declared: readonly DeclaredComparison[],
  knownOf: (name: SettingName) => KnownValues,
): readonly SpecIssue[] {
  return declared.flatMap(({ setting, values: compared, where }, place) => [
    ...absentValues(setting, compared, knownOf(setting), ['compare', place, axisOf(setting)]),
    ...absentFromCells(where, knownOf, ['compare', place, 'where']),
    ...(where[setting] === undefined ? [] : [alsoCompared(setting, place)]),
  ]);
}

function alsoCompared(setting: SettingName, place: number): SpecIssue {
  return {
    path: ['compare', place, 'where', axisOf(setting)],
    at: 'key',
    message: `expected other settings than ${axisOf(setting)}, which is compared`,
    hint: 'leave it out: its values are those that are compared',
  };
}

const Stored = z.array(
  z.object({
    setting: z.custom<ComparedSetting>((name) => COMPARABLE.some((each) => each === name)),
    values: z.array(z.union([z.string(), z.number()])).min(2),
    where: z.record(z.string(), z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
    pairedBy: z.enum(['seed', 'row']),
  }),
);

/** As it travels with a submission and is kept. */
export function storedComparisons(declared: readonly DeclaredComparison[]): JsonValue {
  return declared.length === 0 ? null : (declared as unknown as JsonValue);
}

/** What `storedComparisons` made; `null`: it is nothing of the kind. */
export function readComparisons(stored: JsonValue): readonly DeclaredComparison[] | null {
  if (stored === null) return [];
  const { success, data } = Stored.safeParse(stored);
  return success ? data : null;
}
