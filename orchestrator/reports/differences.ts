/** Where two JSON documents differ, in words that name the place. */

/** What the first has and the second has, as JSON shows it. */
export interface Difference {
  /** `cells[3].test_accuracy.mean`. */
  readonly place: string;
  readonly first: string;
  readonly second: string;
}

const NOTHING = 'nothing';

/** Numbers must be the same: the same results folded the same way give the same bits. */
export function* differences(first: unknown, second: unknown, place = ''): Generator<Difference> {
  if (Array.isArray(first) && Array.isArray(second)) {
    for (let index = 0; index < Math.max(first.length, second.length); index += 1) {
      yield* differences(first[index], second[index], `${place}[${index}]`);
    }
  } else if (isObject(first) && isObject(second)) {
    for (const name of new Set([...Object.keys(first), ...Object.keys(second)])) {
      yield* differences(first[name], second[name], place === '' ? name : `${place}.${name}`);
    }
  } else {
    const [before, after] = [shown(first), shown(second)];
    if (before !== after) yield { place, first: before, second: after };
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return value === undefined ? NOTHING : JSON.stringify(value);
}
