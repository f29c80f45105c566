/** Where trials say that the files with a digest lie. */
import { join } from 'node:path';
import type { PlacedSource } from '../core/records.js';

export class SourcePaths {
  readonly #sourcesAfter: (place: number) => readonly PlacedSource[];
  readonly #paths = new Map<string, string[]>();
  #place = 0;

  /** @param sourcesAfter the sources that were added since, in order */
  constructor(sourcesAfter: (place: number) => readonly PlacedSource[]) {
    this.#sourcesAfter = sourcesAfter;
  }

  of(sha256: string): readonly string[] {
    for (const { place, source } of this.#sourcesAfter(this.#place)) {
      this.#place = place;
      for (const file of source.files) {
        const path = join(source.directory, file.path);
        const known = this.#paths.get(file.sha256) ?? [];
        if (!known.includes(path)) this.#paths.set(file.sha256, [...known, path]);
      }
    }
    return this.#paths.get(sha256) ?? [];
  }
}
