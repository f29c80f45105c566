/**
 * What keeps results from being comparable, and so out of one mean: parts of their environment with more than one value.
 * The rows of a step and the precision are settings, and part of what a cell is. How many processes shared a trial is no
 * such part, since loss, gradient and evaluation are those of one whatever the layout; nor is the host's name.
 */
import type { TrialRecord } from '../core/records.js';

export type Environment = Readonly<Record<string, string>>;
export type MixedEnvironment = Readonly<Record<string, readonly string[]>>;

/** Of an environment, what can change a number. */
const DECISIVE = ['engine', 'torch', 'transformers', 'device', 'device_name', 'threads'];
/** In place of what a worker did not say: it may be any. */
const UNSAID = 'not said';

/** What trials must have in common to be put together. */
export function decisiveOf(environment: Environment): Environment {
  const names = DECISIVE.filter((name) => name !== 'threads' || sumsByThreads(environment));
  return Object.fromEntries(names.map((name) => [name, environment[name] ?? UNSAID]));
}

/** Equal for environments whose results may be put together. */
export function keyOfEnvironment(environment: Environment): string {
  const known = KEYS.get(environment);
  if (known !== undefined) return known;
  const key = JSON.stringify(decisiveOf(environment));
  KEYS.set(environment, key);
  return key;
}

/** A report asks for the same few of each of its trials, and more than once. */
const KEYS = new WeakMap<Environment, string>();

/** A processor splits its sums among its threads; an accelerator's results do not know of them. */
function sumsByThreads({ device = UNSAID }: Environment): boolean {
  return device === 'cpu' || device === UNSAID;
}

export function mixedEnvironmentOf(records: readonly Pick<TrialRecord, 'result'>[]): MixedEnvironment {
  return mixedOf(records.flatMap(({ result }) => (result === null ? [] : [result.environment])));
}

export function mixedOf(environments: readonly Environment[]): MixedEnvironment {
  const decisive = environments.map(decisiveOf);
  const mixed = DECISIVE.map((name): [string, readonly string[]] => {
    const values = decisive.flatMap((environment) => environment[name] ?? []);
    return [name, [...new Set(values)].sort()];
  });
  return Object.fromEntries(mixed.filter(([, values]) => values.length > 1));
}

/** `torch: 2.13.1, 2.15.0`. */
export function mixedLines(mixed: MixedEnvironment): readonly string[] {
  return Object.entries(mixed).map(([name, values]) => `${name}: ${values.join(', ')}`);
}

export function isMixed(mixed: MixedEnvironment): boolean {
  return Object.keys(mixed).length > 0;
}

/** What tells it from others that differ in what `mixed` says: `NVIDIA A100, torch 2.13.1`. @param decisive by `decisiveOf` */
export function environmentText(decisive: Environment, mixed: MixedEnvironment): string {
  return Object.keys(mixed)
    .flatMap((name) => {
      const value = decisive[name];
      // The name of a device says what kind it is.
      if (value === undefined || (name === 'device' && 'device_name' in mixed)) return [];
      return [name === 'device_name' && value !== UNSAID ? value : `${name} ${value}`];
    })
    .join(', ');
}
