/** What a sweep's results ran on, by place: a number for each trial, and for a page the words that reports have for it. */
import { decisiveOf, type Environment, keyOfEnvironment } from '../core/environment.js';
import { environmentText, mixedOf } from '../reports/mixed-environment.js';

/** Workers say what they are, and one may say something else each time: more have places, but no words. */
const MOST_TEXTS = 500;

export class BoardEnvironments {
  readonly #places = new Map<string, number>();
  /** Of what can change a number. */
  readonly #decisive: Environment[] = [];
  #texts: readonly string[] = [];

  /** Equal for results that may be put together. */
  placeOf(environment: Environment): number {
    const key = keyOfEnvironment(environment);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#places.size;
    this.#places.set(key, place);
    if (place < MOST_TEXTS) this.#decisive.push(decisiveOf(environment));
    return place;
  }

  /** What tells each from the others: empty for the only one. With another, all of them may have other words. */
  get texts(): readonly string[] {
    if (this.#texts.length < this.#decisive.length) {
      const mixed = mixedOf(this.#decisive);
      this.#texts = this.#decisive.map((decisive) => environmentText(decisive, mixed));
    }
    return this.#texts;
  }
}
