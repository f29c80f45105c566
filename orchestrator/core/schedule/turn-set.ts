/**
 * Which turns of a sweep are open: numbers below a size that is known beforehand, as bits. Above the bits stand levels
 * of bits that say which words below are not empty, so that the next open turn is found in O(log size), and a turn
 * takes little more than one bit.
 */
const BITS = 5;
const MASK = 31;

export class TurnSet {
  /** The turns themselves first; the last level is one word. */
  readonly #levels: readonly Uint32Array[];
  #size = 0;

  constructor(turns: number) {
    const levels: Uint32Array[] = [];
    let length = turns;
    do {
      length = Math.max(1, (length + MASK) >>> BITS);
      levels.push(new Uint32Array(length));
    } while (length > 1);
    this.#levels = levels;
  }

  get size(): number {
    return this.#size;
  }

  has(turn: number): boolean {
    return (wordAt(this.#levels[0], turn >>> BITS) & (1 << (turn & MASK))) !== 0;
  }

  add(turn: number): void {
    if (this.has(turn)) return;
    this.#size += 1;
    let place = turn;
    for (const level of this.#levels) {
      const before = wordAt(level, place >>> BITS);
      level[place >>> BITS] = before | (1 << (place & MASK));
      if (before !== 0) return;
      place >>>= BITS;
    }
  }

  delete(turn: number): void {
    if (!this.has(turn)) return;
    this.#size -= 1;
    let place = turn;
    for (const level of this.#levels) {
      const left = wordAt(level, place >>> BITS) & ~(1 << (place & MASK));
      level[place >>> BITS] = left;
      if (left !== 0) return;
      place >>>= BITS;
    }
  }

  /** The first one that is not before `from`; -1: none. */
  next(from: number): number {
    let place = from;
    for (let depth = 0; depth < this.#levels.length; depth += 1) {
      const level = this.#levels[depth];
      const above = wordAt(level, place >>> BITS) >>> (place & MASK);
      if (above !== 0) return this.#lowest(depth, place + lowestBit(above));
      place = (place >>> BITS) + 1;
      if (place >>> BITS >= (this.#levels[depth + 1]?.length ?? 0)) return -1;
    }
    return -1;
  }

  /** From a bit of one level down to the first turn that it stands for. */
  #lowest(depth: number, place: number): number {
    let found = place;
    for (let below = depth - 1; below >= 0; below -= 1) {
      found = (found << BITS) + lowestBit(wordAt(this.#levels[below], found));
    }
    return found;
  }
}

function wordAt(level: Uint32Array | undefined, place: number): number {
  return level?.[place] ?? 0;
}

function lowestBit(word: number): number {
  return MASK - Math.clz32(word & -word);
}
