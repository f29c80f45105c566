/** Sweeps as a person names them: by their names, or by a pattern for several. */
import { SweepError } from '../../core/errors.js';
import { mustHaveSweep, type SweepReader } from './sweep-reader.js';

/**
 * Each once, in the order in which they are named; those of a pattern by name.
 *
 * @throws SweepError SWEEP_UNKNOWN
 */
export async function namedSweeps(reader: SweepReader, names: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const name of names) {
    const matching = /[*?]/.test(name) ? await sweepsLike(reader, name) : [(await mustHaveSweep(reader, name)).sweep];
    for (const sweep of matching) found.add(sweep);
  }
  return [...found];
}

async function sweepsLike(reader: SweepReader, pattern: string): Promise<readonly string[]> {
  const all = (await reader.sweeps()).map(({ sweep }) => sweep).sort();
  const found = all.filter((sweep) => isLike(sweep, pattern));
  if (found.length > 0) return found;
  throw new SweepError('SWEEP_UNKNOWN', `no sweep has a name like "${pattern}"`, {
    hint: all.length === 0 ? `nothing has run yet with ${reader.place}` : `known: ${all.slice(0, 10).join(', ')}`,
  });
}

/** `*` stands for any signs, `?` for one. Without regular expressions: a pattern is somebody's input. */
export function isLike(name: string, pattern: string): boolean {
  let ends = new Set([0]);
  for (const sign of pattern) {
    const next = new Set<number>();
    for (const end of ends) {
      if (sign === '*') for (let place = end; place <= name.length; place += 1) next.add(place);
      else if (end < name.length && (sign === '?' || name[end] === sign)) next.add(end + 1);
    }
    ends = next;
  }
  return ends.has(name.length);
}
