/**
 * Finds the row of a trial by its id. An id is 80 bits of a hash, so it takes 10 bytes here, and its row another 4 in
 * a table at most half full with linear probing: a `Map` of a million strings would take ten times as much.
 *
 * All of an id decides where it stands, well mixed: a client may send whatever it calls ids, and those that begin or end
 * alike must not stand in one row of a hundred thousand.
 */
const FIRST_SLOTS = 64;
const ID = /^[0-9a-f]{20}$/;

export class TrialIndex {
  // The id's hex digits in three numbers, by row.
  #high = new Uint32Array(FIRST_SLOTS);
  #middle = new Uint32Array(FIRST_SLOTS);
  #low = new Uint16Array(FIRST_SLOTS);
  /** A row plus one; 0: empty. */
  #slots = new Int32Array(FIRST_SLOTS);
  #size = 0;

  /** -1: it is not here, or is no id at all. */
  find(trialId: string): number {
    if (!ID.test(trialId)) return -1;
    const [high, middle, low] = numbersOf(trialId);
    for (let slot = this.#homeOf(high, middle, low); ; slot = this.#after(slot)) {
      const row = this.#rowAt(slot);
      if (row < 0 || (this.#high[row] === high && this.#middle[row] === middle && this.#low[row] === low)) return row;
    }
  }

  /** Of a trial that is not here. Rows are given out by the caller, from 0 without gaps. */
  add(trialId: string, row: number): void {
    if (!ID.test(trialId)) throw new Error(`trial id "${trialId}" is not 20 hex digits`);
    if (row >= this.#high.length) this.#widen();
    if (2 * (this.#size + 1) > this.#slots.length) this.#rehash();
    const [high, middle, low] = numbersOf(trialId);
    this.#high[row] = high;
    this.#middle[row] = middle;
    this.#low[row] = low;
    this.#put(row);
    this.#size += 1;
  }

  /** What stands behind the gap moves up, so that no search ends at it too early. */
  remove(row: number): void {
    let gap = this.#homeOfRow(row);
    while (this.#rowAt(gap) !== row) gap = this.#after(gap);
    const mask = this.#slots.length - 1;
    for (let slot = this.#after(gap); this.#rowAt(slot) >= 0; slot = this.#after(slot)) {
      const fromHome = (slot - this.#homeOfRow(this.#rowAt(slot))) & mask;
      if (fromHome < ((slot - gap) & mask)) continue;
      this.#slots[gap] = this.#slots[slot] as number;
      gap = slot;
    }
    this.#slots[gap] = 0;
    this.#size -= 1;
  }

  idOf(row: number): string {
    const digits = (column: Uint32Array | Uint16Array, length: number) =>
      (column[row] as number).toString(16).padStart(length, '0');
    return digits(this.#high, 8) + digits(this.#middle, 8) + digits(this.#low, 4);
  }

  /** Slots that are looked at until the hardest to find is found. */
  get longestSearch(): number {
    let longest = 0;
    for (const [slot, each] of this.#slots.entries()) {
      if (each === 0) continue;
      const fromHome = (slot - this.#homeOfRow(each - 1)) & (this.#slots.length - 1);
      longest = Math.max(longest, fromHome + 1);
    }
    return longest;
  }

  #homeOf(high: number, middle: number, low: number): number {
    return mixed(mixed(mixed(high) ^ middle) ^ low) >>> this.#shift();
  }

  #homeOfRow(row: number): number {
    return this.#homeOf(this.#high[row] as number, this.#middle[row] as number, this.#low[row] as number);
  }

  /** The upper bits of a product are its best mixed ones. */
  #shift(): number {
    return Math.clz32(this.#slots.length) + 1;
  }

  #after(slot: number): number {
    return (slot + 1) & (this.#slots.length - 1);
  }

  #rowAt(slot: number): number {
    return (this.#slots[slot] as number) - 1;
  }

  #put(row: number): void {
    let slot = this.#homeOfRow(row);
    while (this.#rowAt(slot) >= 0) slot = this.#after(slot);
    this.#slots[slot] = row + 1;
  }

  #rehash(): void {
    const rows = this.#slots;
    this.#slots = new Int32Array(2 * rows.length);
    for (const each of rows) if (each > 0) this.#put(each - 1);
  }

  #widen(): void {
    const length = 2 * this.#high.length;
    const [high, middle, low] = [this.#high, this.#middle, this.#low];
    this.#high = new Uint32Array(length);
    this.#high.set(high);
    this.#middle = new Uint32Array(length);
    this.#middle.set(middle);
    this.#low = new Uint16Array(length);
    this.#low.set(low);
  }
}

/** Every bit of the result depends on every bit of the number; two numbers never give the same. */
function mixed(number: number): number {
  let bits = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

function numbersOf(trialId: string): [number, number, number] {
  return [
    Number.parseInt(trialId.slice(0, 8), 16),
    Number.parseInt(trialId.slice(8, 16), 16),
    Number.parseInt(trialId.slice(16), 16),
  ];
}
