/** What finding models and datasets needs besides their names. */
import type { SweepError } from '../core/errors.js';
import type { Problem } from '../core/sweep/source-facts.js';
import type { RowChecks } from './check-rows.js';
import type { FileHashes } from './file-hashes.js';

export interface SourceContext {
  readonly hashes: FileHashes;
  readonly checks: RowChecks;
  readonly signal?: AbortSignal | undefined;
}

/** What is wrong with a source is data: it rejects cells, and others may run. */
export function problemOf({ code, message, hint }: SweepError): Problem {
  return { code, message, hint };
}
