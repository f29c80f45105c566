/** What keeps results from being comparable: parts of their environment with more than one value. */
import type { TrialRecord } from '../journal/journal.js';

export type MixedEnvironment = Readonly<Record<string, readonly string[]>>;

/** Of the environment, what can change a number; the host's name cannot. */
const DECISIVE = ['engine', 'torch', 'transformers', 'device', 'device_name', 'threads', 'precision', 'processes'];
/** What a worker says nothing of. */
const USUAL: Readonly<Record<string, string>> = { processes: '1' };

export function mixedEnvironmentOf(records: readonly Pick<TrialRecord, 'result'>[]): MixedEnvironment {
  return mixedOf(records.flatMap(({ result }) => (result === null ? [] : [result.environment])));
}

export function mixedOf(environments: readonly Readonly<Record<string, string>>[]): MixedEnvironment {
  const mixed = DECISIVE.map((name): [string, readonly string[]] => {
    const values = environments.flatMap((environment) => environment[name] ?? USUAL[name] ?? []);
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
