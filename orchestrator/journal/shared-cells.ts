/** Settings without seeds, one object for each cell: made once for all of its trials. */
import type { TrialSettings } from '../core/domain.js';
import type { CellSettings } from '../core/records.js';

export class SharedCells {
  readonly #cells = new Map<string, CellSettings>();

  /** `settings`: as `stableJson` wrote them, so that equal cells are equal texts beside their seed. */
  of(settings: string, seed: number): CellSettings {
    // Nothing else can look like this: within a text, quotation marks are escaped.
    const key = settings.replace(`"seed":${seed}`, '');
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      const { seed: _, ...rest } = JSON.parse(settings) as TrialSettings;
      cell = rest;
      this.#cells.set(key, cell);
    }
    return cell;
  }
}
