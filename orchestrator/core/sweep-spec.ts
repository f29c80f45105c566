/** What a user may ask for: the sweep file's schema, its defaults and its messages. README.md explains it to people. */
import { z } from 'zod';
import { closest } from './closest.js';
import { BUDGET_KEYS, REUSES, RUN_KEYS, type RunSection, RunValue, runSectionOf } from './run-section.js';
import {
  axisOf,
  type CellSettings,
  CHOICES,
  DEFAULTS,
  FIELDS,
  SETTING_NAMES,
  type SettingName,
  type SettingValue,
  SWITCHED,
  TRAIN_NAMES,
} from './settings.js';
import { pathText, SpecError, type SpecIssue, shown } from './spec-error.js';
import { mapping, orAbsent } from './spec-schema.js';

/** Values by setting; a cell matches when each of its settings named here has one of them. */
export type Condition = Readonly<Partial<Record<SettingName, readonly SettingValue[]>>>;

export interface Override {
  readonly when: Condition;
  readonly set: Readonly<Partial<CellSettings>>;
}

/** A sweep file, checked, with every default filled in. */
export interface SweepSpec {
  readonly sweep: string;
  /** Every setting with its values: those of the grid, else the one of `train` or the default. */
  readonly axes: Readonly<Record<SettingName, readonly SettingValue[]>>;
  /** The settings that the grid names, in order of expansion. */
  readonly varied: readonly SettingName[];
  readonly overrides: readonly Override[];
  /** Cells that match one of these are not part of the sweep. */
  readonly exclude: readonly Condition[];
  readonly run: RunSection;
}

type Mapping = Readonly<Record<string, unknown>>;

/** About one list: an axis of the wrong kind is wrong in every value. */
const MAX_COMPLAINTS = 20;

/** The release's switch for `precision: bf16`. */
const BF16 = SWITCHED;
const TRAIN_KEYS: readonly string[] = [...TRAIN_NAMES, 'bf16'];
const CONDITION_KEYS: readonly string[] = SETTING_NAMES.map(axisOf);
const GRID_KEYS: readonly string[] = [...CONDITION_KEYS, 'bf16'];

function isEmptyMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** One or several values; a single one may stand without its brackets. */
function values(field: z.ZodType, { repeats }: { repeats: boolean }) {
  return z.unknown().transform((value, context): readonly unknown[] => {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    let complaints = 0;
    const complain = (path: number[], message: string) => {
      complaints += 1;
      context.addIssue({ code: 'custom', path, message });
    };
    if (list.length === 0) complain([], 'expected at least one value');
    const seen = new Set<unknown>();
    for (const [index, each] of list.entries()) {
      const path = Array.isArray(value) ? [index] : [];
      const [issue] = field.safeParse(each).error?.issues ?? [];
      if (issue !== undefined) complain(path, issue.message);
      else if (!repeats && seen.has(each)) complain(path, 'expected each value once');
      if (complaints === MAX_COMPLAINTS) break;
      seen.add(each);
    }
    return list;
  });
}

const axis = (field: z.ZodType) => values(field, { repeats: false });
const optional = <T>(names: readonly SettingName[], schema: (name: SettingName) => z.ZodType<T>) =>
  Object.fromEntries(names.map((name) => [axisOf(name), schema(name).optional()]));
const train = mapping({ ...optional(TRAIN_NAMES, (name) => FIELDS[name]), bf16: BF16.optional() });
/** An empty condition would match every cell, which nobody means by leaving it empty. */
const condition = z
  .custom<unknown>((value) => !isEmptyMapping(value), 'expected at least one axis')
  .pipe(mapping(optional(SETTING_NAMES, (name) => values(FIELDS[name], { repeats: true }))));

const list = <T>(each: z.ZodType<T>) => orAbsent(z.array(each, { error: 'expected a list' }));

const SweepValue = mapping({
  sweep: z.custom<string>(
    (value) => typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,39}$/.test(value),
    'expected a name of at most 40 small letters, digits and dashes that starts with no dash',
  ),
  grid: mapping({
    ...optional(SETTING_NAMES, (name) => axis(FIELDS[name])),
    models: axis(FIELDS.model),
    datasets: axis(FIELDS.dataset),
    bf16: axis(BF16).optional(),
  }),
  train: orAbsent(train),
  overrides: list(mapping({ when: condition, set: train })),
  exclude: list(condition),
  run: orAbsent(RunValue),
});

/** Says where in a source a mistake is. */
export type Locate = (issue: SpecIssue) => { readonly line: number; readonly column: number };

/**
 * What a sweep file holds, as a spec.
 *
 * @param source its name in messages
 * @throws SpecError with every mistake
 */
export function parseSweepValue(
  value: unknown,
  source: string,
  locate: Locate = () => ({ line: 0, column: 0 }),
): SweepSpec {
  const parsed = SweepValue.safeParse(value);
  const issues = [...(parsed.error?.issues ?? []).flatMap((issue) => issuesOf(issue, value)), ...conflictsOf(value)];
  if (parsed.success && issues.length === 0) return specOf(parsed.data);
  throw new SpecError(
    source,
    issues.map((issue) => {
      const { path, message, hint } = issue;
      return { file: source, ...locate(issue), path: pathText(path), message, hint };
    }),
  );
}

function issuesOf(issue: z.core.$ZodIssue, value: unknown): readonly SpecIssue[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key));
  const found = path.reduce<unknown>((each, part) => (each as Mapping | undefined)?.[part], value);
  const message = found === undefined ? `${issue.message}; it is missing` : `${issue.message}, got ${shown(found)}`;
  return [{ path, at: 'value', message, hint: choiceHint(path, found) }];
}

/** Names that are right elsewhere, and where. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  from_pretrained: 'the axis is called models',
  model: 'the axis is called models',
  dataset: 'the axis is called datasets',
  run: 'the axis is called seeds',
  label_type: 'it is an axis: put it below grid',
  model_type: 'it is an axis: put it below grid',
  seeds: 'it is an axis: put it below grid',
  models: 'it is an axis: put it below grid',
  datasets: 'it is an axis: put it below grid',
  parallelize: 'it changes no result: leave it out',
  no_log: 'it changes no result: leave it out',
  optimizer_name: 'it only named a folder in the release; optimizer chooses one',
};

function unknownKey(path: SpecIssue['path'], key: string): SpecIssue {
  const known = knownKeys(path);
  const meant = closest(key, known);
  const hint = Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key] : `expected one of ${known.join(', ')}`;
  return {
    path: [...path, key],
    at: 'key',
    message: `there is no key ${shown(key)} here`,
    hint: (meant === null ? hint : `did you mean ${meant}?`) ?? '',
  };
}

function knownKeys(path: SpecIssue['path']): readonly string[] {
  const [section] = path;
  const last = path.at(-1);
  if (section === undefined) return Object.keys(SweepValue.shape);
  if (section === 'grid') return GRID_KEYS;
  if (section === 'run') return last === 'budget' ? BUDGET_KEYS : RUN_KEYS;
  if (section === 'exclude' || last === 'when') return CONDITION_KEYS;
  return section === 'train' || last === 'set' ? TRAIN_KEYS : ['when', 'set'];
}

function choiceHint(path: SpecIssue['path'], found: unknown): string {
  const name = path.findLast((part) => typeof part === 'string');
  const choices = name === 'reuse' ? REUSES : (CHOICES[name as SettingName] ?? []);
  const meant = typeof found === 'string' ? closest(found, choices) : null;
  return meant === null ? '' : `did you mean ${meant}?`;
}

/** Settings said twice in different words. On the value as written, so that other mistakes do not hide them. */
function conflictsOf(value: unknown): readonly SpecIssue[] {
  const at = (each: unknown, key: string): Mapping => {
    const found = (each as Mapping | null | undefined)?.[key];
    return typeof found === 'object' && found !== null ? (found as Mapping) : {};
  };
  const [grid, trained] = [at(value, 'grid'), at(value, 'train')];
  const overrides: unknown = (value as Mapping | null | undefined)?.['overrides'];
  const sets = Array.isArray(overrides)
    ? overrides.map((each, index) => [['overrides', index, 'set'], at(each, 'set')] as const)
    : [];
  const twice = [[['grid'], grid], [['train'], trained], ...sets] as const;
  const conflict = (path: SpecIssue['path'], message: string): SpecIssue => ({
    path,
    at: 'key',
    message,
    hint: 'keep one',
  });
  return [
    ...twice
      .filter(([, settings]) => 'bf16' in settings && 'precision' in settings)
      .map(([path]) => conflict([...path, 'bf16'], 'bf16 and precision say the same')),
    ...Object.keys(trained)
      .filter((key) => key in grid && TRAIN_KEYS.includes(key))
      .map((key) => conflict(['train', key], 'it is an axis of the grid already')),
    ...(['bf16', 'precision'] as const)
      .filter((key) => key in trained && (key === 'bf16' ? 'precision' : 'bf16') in grid)
      .map((key) => conflict(['train', key], 'the grid has an axis for the precision already')),
  ];
}

function specOf({ sweep, grid, train: trained, overrides, exclude, run }: z.infer<typeof SweepValue>): SweepSpec {
  const axes = bySetting(withoutAlias(grid));
  const single = Object.entries({ ...DEFAULTS, ...withoutAlias(trained ?? {}) }).map(([name, each]) => [name, [each]]);
  return {
    sweep,
    // Each value has passed its own setting's schema.
    axes: { ...Object.fromEntries(single), ...axes } as SweepSpec['axes'],
    varied: SETTING_NAMES.filter((name) => name in axes),
    overrides: (overrides ?? []).map(({ when, set }) => ({ when: bySetting(when), set: withoutAlias(set) })),
    exclude: (exclude ?? []).map(bySetting),
    run: runSectionOf(run),
  };
}

function bySetting(named: Mapping): Condition {
  return Object.fromEntries(
    SETTING_NAMES.filter((name) => named[axisOf(name)] !== undefined).map((name) => [name, named[axisOf(name)]]),
  );
}

function withoutAlias({ bf16, ...rest }: Mapping): Mapping {
  if (bf16 === undefined) return rest;
  const precisionOf = (on: unknown) => (on === true ? 'bf16' : DEFAULTS.precision);
  return { ...rest, precision: Array.isArray(bf16) ? bf16.map(precisionOf) : precisionOf(bf16) };
}
