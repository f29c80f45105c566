/** A part of the benchmark: what it needs, and what it is called by. */
import type { Row } from '../support/rows.js';

export interface PartContext {
  /** Fewer trials: the shape of the figures, not the figures. */
  readonly quick: boolean;
  /** An empty folder for a part's own use; all are removed in the end. */
  readonly newFolder: (name: string) => string;
  /** A line about what is under way. */
  readonly say: (line: string) => void;
}

export type Part = (context: PartContext) => Promise<readonly Row[]>;
