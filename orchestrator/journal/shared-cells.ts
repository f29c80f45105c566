/** Settings without seeds, one object for each cell: made once for all of its trials. */
import type { TrialSettings } from '../core/domain.js';
import type { CellSettings } from '../core/records.js';

export class SharedCells {
  readonly #cells = new Map<string, CellSettings>();
  /** Of the last trial's settings, what stands before its seed and after. */
  #before = '';
  #after = '';
  #last: CellSettings | null = null;

  /** `settings`: as `stableJson` wrote them, so that equal cells are equal texts beside their seed. */
  of(settings: string, seed: number): CellSettings {
    const digits = String(seed).length;
    const start = this.#before.length;
    // Seeds vary the fastest, and to compare two long texts takes a fifth of what it takes to look one up.
    const isLast = settings.slice(0, start) === this.#before && settings.slice(start + digits) === this.#after;
    if (this.#last !== null && isLast) return this.#last;
    // Nothing else can look like this: within a text, quotation marks are escaped.
    const at = settings.indexOf(SEED) + SEED.length;
    this.#before = settings.slice(0, at);
    this.#after = settings.slice(at + digits);
    this.#last = this.#cellOf(this.#before + this.#after, settings);
    return this.#last;
  }

  #cellOf(key: string, settings: string): CellSettings {
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      const { seed: _, ...rest } = JSON.parse(settings) as TrialSettings;
      cell = rest;
      this.#cells.set(key, cell);
    }
    return cell;
  }
}

const SEED = '"seed":';
