/** Where two JSON documents differ, by the addresses of their numbers. */
import { addressOf, membersOf } from './addresses.js';

/** What the first has and the second has, as JSON shows it. */
export interface Difference {
  /** `cells.3f2a91c04d5e.test_accuracy.mean`. */
  readonly place: string;
  readonly first: string;
  readonly second: string;
}

const NOTHING = 'nothing';

/** Numbers must be the same: the same results folded the same way give the same bits. */
export function* differences(first: unknown, second: unknown, place = ''): Generator<Difference> {
  const [before, after] = [membersOf(first), membersOf(second)];
  if (before !== null && after !== null && Array.isArray(first) === Array.isArray(second)) {
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      yield* differences(before.get(name), after.get(name), addressOf(place, name));
    }
    return;
  }
  const [left, right] = [shown(first), shown(second)];
  if (left !== right) yield { place, first: left, second: right };
}

function shown(value: unknown): string {
  return value === undefined ? NOTHING : JSON.stringify(value);
}
