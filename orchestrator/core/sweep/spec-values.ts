/** Lists of a setting's values, as a sweep file has them on axes, in conditions and in comparisons. */
import { z } from 'zod';
import { axisOf, FIELDS, type SettingName, type SettingValue } from './settings.js';
import { mapping } from './spec-schema.js';

/** Values by setting; a cell matches when each of its settings named here has one of them. */
export type Condition = Readonly<Partial<Record<SettingName, readonly SettingValue[]>>>;

type Mapping = Readonly<Record<string, unknown>>;

/** About one list: an axis of the wrong kind is wrong in every value. */
const MAX_COMPLAINTS = 20;

/** One or several values; a single one may stand without its brackets. */
export function values(field: z.ZodType, { repeats, least = 1 }: { repeats: boolean; least?: number }) {
  return z.unknown().transform((value, context): readonly unknown[] => {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    let complaints = 0;
    const complain = (path: number[], message: string) => {
      complaints += 1;
      context.addIssue({ code: 'custom', path, message });
    };
    if (list.length < least) complain([], `expected at least ${least === 1 ? 'one value' : `${least} values`}`);
    const seen = new Set<unknown>();
    const parsed: unknown[] = [];
    for (const [index, each] of list.entries()) {
      const path = Array.isArray(value) ? [index] : [];
      const { data, error } = field.safeParse(each);
      const [issue] = error?.issues ?? [];
      if (issue !== undefined) complain(path, issue.message);
      else if (!repeats && seen.has(data)) complain(path, 'expected each value once');
      if (complaints === MAX_COMPLAINTS) break;
      seen.add(data);
      parsed.push(data);
    }
    return parsed;
  });
}

/** Keys as a file has them, none of which must be there. */
export function optional<T>(names: readonly SettingName[], schema: (name: SettingName) => z.ZodType<T>) {
  return Object.fromEntries(names.map((name) => [axisOf(name), schema(name).optional()]));
}

/** An empty condition would match every cell, which nobody means by leaving it empty. */
export function condition(names: readonly SettingName[]) {
  return z
    .custom<unknown>((value) => !isEmptyMapping(value), 'expected at least one axis')
    .pipe(mapping(optional(names, (name) => values(FIELDS[name], { repeats: true }))));
}

function isEmptyMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** From a file's keys to settings. */
export function bySetting(names: readonly SettingName[], named: Mapping): Condition {
  return Object.fromEntries(
    names.filter((name) => named[axisOf(name)] !== undefined).map((name) => [name, named[axisOf(name)]]),
  );
}
