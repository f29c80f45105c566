/** What a user may ask for: the sweep file's schema, its defaults and its messages. README.md explains it to people. */
import { z } from 'zod';
import { closest } from '../closest.js';
import { meantByOthers } from '../other-names.js';
import { absentFromCells, type KnownValues } from './absent-values.js';
import {
  COMPARE_KEYS,
  COMPARED_KEYS,
  CompareValue,
  comparisonIssues,
  comparisonsOf,
  type DeclaredComparison,
  PAIRINGS,
  storedComparisons,
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
import { conflictsOf, TRAIN_KEYS, unlistedSeeds } from './spec-conflicts.js';
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
    ...(spec === null ? [] : absencesOf(spec).map((issue) => ({ ...issue, path: asWritten(value, issue.path) }))),
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

/** A single value may stand without its brackets. */
function asWritten(value: unknown, path: SpecIssue['path']): SpecIssue['path'] {
  const isPlace = typeof path.at(-1) === 'number';
  return !isPlace || Array.isArray(valueAt(value, path.slice(0, -1))) ? path : path.slice(0, -1);
}

function valueAt(value: unknown, path: SpecIssue['path']): unknown {
  return path.reduce<unknown>((each, part) => (each as Mapping | undefined)?.[part], value);
}

function issuesOf(issue: z.core.$ZodIssue, value: unknown): readonly SpecIssue[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key));
  const found = valueAt(value, path);
  const unlisted = unlistedSeeds(path, found);
  if (unlisted !== null) return [unlisted];
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
  const close = closest(key, known);
  const meant = meantByOthers(key, known) ?? (close === null ? null : `did you mean ${close}?`);
  const hint = Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key] : `expected one of ${known.join(', ')}`;
  return {
    path: [...path, key],
    at: 'key',
    message: `there is no key ${shown(key)} here`,
    hint: meant ?? hint ?? '',
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

/** What cells are asked for; conditions see no more, since no override hides a cell from another. */
function askedValues({ axes, varied }: SweepSpec, name: SettingName): KnownValues {
  return { values: axes[name], isAxis: varied.includes(name) };
}

/** All that its cells may have, those of overrides too. */
function valuesOf(spec: SweepSpec, name: SettingName): KnownValues {
  const { values: asked, isAxis } = askedValues(spec, name);
  const set = spec.overrides.flatMap(({ set: each }) => (each[name] === undefined ? [] : [each[name]]));
  return { values: [...new Set([...asked, ...set])], isAxis };
}

/**
 * Of a spec whose parts are right by themselves: what it names that it has not.
 *
 * 2026-11: conditions with such values were allowed, so that files could share them. But a slip looks just the same, and
 * trains what was to be left out or with other settings, unseen; a file that shares less is the lesser evil.
 */
function absencesOf(spec: SweepSpec): readonly SpecIssue[] {
  const asked = (name: SettingName) => askedValues(spec, name);
  return [
    ...spec.overrides.flatMap(({ when }, place) => absentFromCells(when, asked, ['overrides', place, 'when'])),
    ...spec.exclude.flatMap((condition, place) => absentFromCells(condition, asked, ['exclude', place])),
    ...comparisonIssues(spec.compare, (name) => valuesOf(spec, name)),
  ];
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
