/** A sweep file on disk, checked. */
import { dirname, resolve } from 'node:path';
import { parseSweepValue, type SweepSpec } from '../core/sweep/sweep-spec.js';
import { readYaml } from './read-yaml.js';

export interface SweepFile {
  readonly spec: SweepSpec;
  /** Where relative paths in it start. */
  readonly directory: string;
}

/** @throws SweepError SPEC_INVALID; a SpecError with all mistakes and their places where the file is YAML */
export async function readSweepFile(file: string): Promise<SweepFile> {
  const { value, locate } = await readYaml(file);
  const spec = parseSweepValue(value, file, ({ path, at }) => locate(path, at));
  return { spec, directory: dirname(resolve(file)) };
}
