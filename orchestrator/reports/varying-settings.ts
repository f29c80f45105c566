/** Which settings tell the trials of a sweep apart: all others need not be said. */
import { canonicalJson } from '../core/canonical-json.js';

export function varyingNames(all: Iterable<object>): ReadonlySet<string> {
  const firsts = new Map<string, unknown>();
  const varying = new Set<string>();
  for (const settings of all) {
    for (const [name, value] of Object.entries(settings)) {
      // Beside one value, `null` says only that some method has no such setting.
      if (value === null || varying.has(name)) continue;
      if (!firsts.has(name)) firsts.set(name, value);
      else if (!isSameSetting(firsts.get(name), value)) varying.add(name);
    }
  }
  return varying;
}

export function isSameSetting(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && a !== null && canonicalJson(a) === canonicalJson(b));
}

/** `subsample 0.5` */
export function settingWords(settings: object, name: string): string {
  const value = (settings as Readonly<Record<string, unknown>>)[name];
  return `${name} ${typeof value === 'string' ? value : canonicalJson(value)}`;
}
