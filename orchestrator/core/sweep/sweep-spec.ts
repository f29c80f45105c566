/** What a user may ask for: the sweep file's schema, its defaults and its messages. README.md explains it to people. */
import { z } from 'zod';
import { closest } from '../closest.js';
import {
  COMPARE_KEYS,
  COMPARED_KEYS,
  CompareValue,
  comparisonsOf,
  type DeclaredComparison,
  PAIRINGS,
  storedComparisons,
  unknownValues,
} from './compare-section.js';
import { REUSES, type RunSection, RunValue, runKeysAt, runSectionOf } from './run-section.js';
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
import { bySetting, type Condition, condition, optional, values } from './spec-values.js';

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
  /** Declared before the run; they travel with `run.options`. */
  readonly compare: readonly DeclaredComparison[];
  readonly run: RunSection;
}

type Mapping = Readonly<Record<string, unknown>>;

/** The release's switch for `precision: bf16`. */
const BF16 = SWITCHED;
const TRAIN_KEYS: readonly string[] = [...TRAIN_NAMES, 'bf16'];
const CONDITION_KEYS: readonly string[] = SETTING_NAMES.map(axisOf);
const GRID_KEYS: readonly string[] = [...CONDITION_KEYS, 'bf16'];

const axis = (field: z.ZodType) => values(field, { repeats: false });
const train = mapping({ ...optional(TRAIN_NAMES, (name) => FIELDS[name]), bf16: BF16.optional() });
const cells = condition(SETTING_NAMES);

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
  overrides: list(mapping({ when: cells, set: train })),
  exclude: list(cells),
  compare: orAbsent(CompareValue),
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
  const spec = parsed.success ? specOf(parsed.data) : null;
  const issues = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => issuesOf(issue, value)),
    ...conflictsOf(value),
    ...(spec === null ? [] : unknownValues(spec.compare, (name) => valuesOf(spec, name))),
  ];
  if (spec !== null && issues.length === 0) return spec;
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
  parallelize: 'it changes no result: devices says over how many a model is trained, by layout: auto',
  no_log: 'it changes no result: leave it out',
  method: 'the axis is called model_type',
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
  if (section === 'run') return runKeysAt(path);
  if (section === 'compare') return last === 'where' ? COMPARED_KEYS : COMPARE_KEYS;
  if (section === 'exclude' || last === 'when') return CONDITION_KEYS;
  return section === 'train' || last === 'set' ? TRAIN_KEYS : ['when', 'set'];
}

function choiceHint(path: SpecIssue['path'], found: unknown): string {
  const name = path.findLast((part) => typeof part === 'string');
  const choices = name === 'reuse' ? REUSES : name === 'pair_by' ? PAIRINGS : (CHOICES[name as SettingName] ?? []);
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

/** All that its cells may have, those of overrides too. */
function valuesOf({ axes, overrides }: SweepSpec, name: SettingName): readonly unknown[] {
  const set = overrides.flatMap(({ set: each }) => (each[name] === undefined ? [] : [each[name]]));
  return [...new Set([...axes[name], ...set])];
}

function specOf({
  sweep,
  grid,
  train: trained,
  overrides,
  exclude,
  compare,
  run,
}: z.infer<typeof SweepValue>): SweepSpec {
  const axes = bySetting(SETTING_NAMES, withoutAlias(grid));
  const declared = comparisonsOf(compare);
  const { options, ...rest } = runSectionOf(run);
  const single = Object.entries({ ...DEFAULTS, ...withoutAlias(trained ?? {}) }).map(([name, each]) => [name, [each]]);
  return {
    sweep,
    // Each value has passed its own setting's schema.
    axes: { ...Object.fromEntries(single), ...axes } as SweepSpec['axes'],
    varied: SETTING_NAMES.filter((name) => name in axes),
    overrides: (overrides ?? []).map(({ when, set }) => ({
      when: bySetting(SETTING_NAMES, when),
      set: withoutAlias(set),
    })),
    exclude: (exclude ?? []).map((each) => bySetting(SETTING_NAMES, each)),
    compare: declared,
    run: { ...rest, options: { ...options, compare: storedComparisons(declared) } },
  };
}

function withoutAlias({ bf16, ...rest }: Mapping): Mapping {
  if (bf16 === undefined) return rest;
  const precisionOf = (on: unknown) => (on === true ? 'bf16' : DEFAULTS.precision);
  return { ...rest, precision: Array.isArray(bf16) ? bf16.map(precisionOf) : precisionOf(bf16) };
}
