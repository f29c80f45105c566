/** The files of a dataset's splits, each of them looked at row by row. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceFile } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import type { CheckedRows } from './check-rows.js';
import type { Split } from './release-layout.js';
import type { RowCheck } from './row-formats.js';
import type { SourceContext } from './source-context.js';
import { wrongRows } from './wrong-rows.js';

export interface SplitFile {
  readonly split: Split;
  /** Relative to the datasets root. */
  readonly path: string;
  /** What the checks depend on besides the content. */
  readonly rule: unknown;
  /** Every row must pass the one called `row`; of the others is noted which rows do not. */
  readonly checks: Readonly<Record<string, RowCheck>>;
}

/** @param path relative to the datasets root */
export function isThere(root: string, path: string): boolean {
  return existsSync(join(root, path));
}

/** @throws SweepError DATASET_INVALID with the first wrong row */
export async function checkSplits<T extends SplitFile>(
  root: string,
  splits: readonly T[],
  { hashes, checks, signal }: SourceContext,
): Promise<readonly (T & { readonly file: SourceFile; readonly checked: CheckedRows })[]> {
  const found = [];
  for (const split of splits) {
    const file = await hashes.sourceFile(root, split.path, split.split, signal);
    const checked = await checks.lines(root, file, split.rule, split.checks, signal);
    if (checked.wrong['row'] !== undefined) throw wrongRows(split.path, checked.wrong['row']);
    if (checked.rows === 0) {
      throw new SweepError('DATASET_INVALID', `${split.path}: expected at least one row, got none`);
    }
    found.push({ ...split, file, checked });
  }
  return found;
}
