/** Seeded random numbers: the same report from the same results, on every machine. */

export interface RandomSource {
  /** A whole number from 0 to below `bound`, which is at most 2^32. */
  below(bound: number): number;
  /** From [0, 1). */
  unit(): number;
}

/** sfc32. Source: Doty-Humphrey's PractRand, where it passes all tests. */
export function seededRandom(seed: number): RandomSource {
  // Not in variables: those would be objects on the heap wherever they do not fit in 31 bits, and made anew each time.
  const state = Int32Array.of(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b9, 1);
  const next = (): number => {
    const [b, c, counter] = [state[1] as number, state[2] as number, state[3] as number];
    const sum = ((((state[0] as number) + b) | 0) + counter) | 0;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    state[3] = counter + 1;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round += 1) next();
  // Numbers from here on would make some remainders likelier. Kept, since most ask for the same bound again and again.
  let [lastBound, limit] = [1, 2 ** 32];
  return {
    below: (bound) => {
      if (bound !== lastBound) [lastBound, limit] = [bound, 2 ** 32 - (2 ** 32 % bound)];
      for (;;) {
        const drawn = next();
        // As `drawn % bound`, which takes several times as long beyond 31 bits.
        if (drawn < limit) return drawn - Math.floor(drawn / bound) * bound;
      }
    },
    unit: () => next() / 2 ** 32,
  };
}
