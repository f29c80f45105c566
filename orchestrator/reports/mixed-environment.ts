/** Where results do not compare, and so are not put into one mean: parts of their environment with more than one value. */
import { DECISIVE, decisiveOf, type Environment, UNSAID } from '../core/environment.js';
import type { TrialRecord } from '../core/records.js';

export type MixedEnvironment = Readonly<Record<string, readonly string[]>>;

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
