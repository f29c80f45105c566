/** An accuracy that others have published. */
import type { ModelType } from './domain.js';

export interface PublishedNumber {
  readonly dataset: string;
  readonly split: 'train' | 'valid' | 'test';
  readonly model: string;
  readonly method: ModelType;
  /** `null`: its method reads none. */
  readonly teacher: string | null;
  /** In [0, 1]. */
  readonly accuracy: number;
  /** To either side: of rounding, or of reading it off a figure. */
  readonly error: number;
  /** That it is the mean of; `null`: not known. */
  readonly runs: number | null;
  /** Somebody has looked it up in its source. */
  readonly isVerified: boolean;
  /** What trials must have trained with; `batch`: rows of an optimizer step. */
  readonly settings: Readonly<Record<string, string | number>>;
  readonly source: PublishedSource;
}

export interface PublishedSource {
  readonly cite: string;
  readonly url: string;
  /** Table or figure, and page. */
  readonly place: string;
  /** How the numbers were read off. */
  readonly read: string;
  readonly note: string;
}
