/** Seeded random numbers: the same report from the same results, on every machine. */

export interface RandomSource {
  /** A whole number from 0 to below `bound`, which is at most 2^32. */
  below(bound: number): number;
  /** From [0, 1). */
  unit(): number;
}

/** sfc32. Source: Doty-Humphrey's PractRand, where it passes all tests. */
export function seededRandom(seed: number): RandomSource {
  let [a, b, c, counter] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b9, 1];
  const next = (): number => {
    const sum = (((a + b) >>> 0) + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0;
    return sum;
  };
  for (let round = 0; round < 15; round += 1) next();
  // Numbers from here on would make some remainders likelier. Kept, since most ask for the same bound again and again.
  let [lastBound, limit] = [1, 2 ** 32];
  return {
    below: (bound) => {
      if (bound !== lastBound) [lastBound, limit] = [bound, 2 ** 32 - (2 ** 32 % bound)];
      for (;;) {
        const drawn = next();
        if (drawn < limit) return drawn % bound;
      }
    },
    unit: () => next() / 2 ** 32,
  };
}
