/**
 * A binary heap that knows where each item is, so that any item leaves in O(log n), and whose first
 * items can be read without taking them out: `decide` looks and does not touch.
 */
export class OrderedQueue<T> {
  readonly #items: T[] = [];
  readonly #places = new Map<T, number>();
  readonly #before: (a: T, b: T) => boolean;

  /** An item's rank may change only while it is outside the queue. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  has(item: T): boolean {
    return this.#places.has(item);
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    if (this.#places.has(item)) return;
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  remove(item: T): boolean {
    const place = this.#places.get(item);
    if (place === undefined) return false;
    this.#places.delete(item);
    const moved = this.#items.pop() as T;
    if (moved === item) return true;
    if (this.#rise(place, moved) === place) this.#sink(place, moved);
    return true;
  }

  /** The first items in order, at most `limit`, as long as `accepts` says so. O(limit · log limit). */
  first(limit: number, accepts: (item: T) => boolean = () => true): readonly T[] {
    const found: T[] = [];
    const first = this.#items[0];
    if (limit === 0 || first === undefined || !accepts(first)) return found;
    // Places whose items may come next: children of those that are found.
    const open = new OrderedQueue<number>((a, b) => this.#before(this.#at(a), this.#at(b)));
    for (let place: number | undefined = 0; place !== undefined && found.length < limit; place = open.peek()) {
      const item = this.#at(place);
      if (!accepts(item)) break;
      found.push(item);
      open.remove(place);
      for (const child of [2 * place + 1, 2 * place + 2]) if (child < this.#items.length) open.add(child);
    }
    return found;
  }

  #at(place: number): T {
    return this.#items[place] as T;
  }

  #put(place: number, item: T): void {
    this.#items[place] = item;
    this.#places.set(item, place);
  }

  #rise(from: number, item: T): number {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#before(item, this.#at(parent))) break;
      this.#put(place, this.#at(parent));
      place = parent;
    }
    this.#put(place, item);
    return place;
  }

  #sink(from: number, item: T): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#items.length) break;
      if (child + 1 < this.#items.length && this.#before(this.#at(child + 1), this.#at(child))) child += 1;
      if (!this.#before(this.#at(child), item)) break;
      this.#put(place, this.#at(child));
      place = child;
    }
    this.#put(place, item);
  }
}
