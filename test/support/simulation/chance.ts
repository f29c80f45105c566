/** What a world draws by chance, all of it from one seed: the same history runs again. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed ^ 0x9e37_79b9 || 1; // which must not be 0
    for (let round = 0; round < 8; round += 1) this.unit(); // seeds that are close part ways
  }

  /** In [0, 1). Marsaglia's xorshift with 32 bits, which is chance enough here. */
  unit(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) / 2 ** 32;
  }

  between(from: number, to: number): number {
    return from + (to - from) * this.unit();
  }

  isHit(probability: number): boolean {
    return this.unit() < probability;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(256 * this.unit()));
  }
}
