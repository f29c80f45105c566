/** A sweep file on disk, checked. */
import { dirname, resolve } from 'node:path';
import { idleConditions } from '../core/sweep/grid.js';
import { pathText, type SpecIssue } from '../core/sweep/spec-error.js';
import { parseSweepValue, type SweepSpec } from '../core/sweep/sweep-spec.js';
import { readYaml } from './read-yaml.js';

export interface SweepFile {
  readonly spec: SweepSpec;
  /** Where relative paths in it start. */
  readonly directory: string;
  /** `FILE:LINE:COLUMN: ` of a value, or of what is nearest above it. */
  readonly placeOf: PlaceOf;
  /** What is no mistake, and may not be what was meant. */
  readonly notices: readonly string[];
}

export type PlaceOf = (path: SpecIssue['path']) => string;

/** @throws SweepError SPEC_INVALID; a SpecError with all mistakes and their places where the file is YAML */
export async function readSweepFile(file: string): Promise<SweepFile> {
  const { value, locate } = await readYaml(file);
  const spec = parseSweepValue(value, file, ({ path, at }) => locate(path, at));
  const placeOf: PlaceOf = (path) => {
    const { line, column } = locate(path, 'value');
    return `${file}:${line}:${column}: `;
  };
  const notices = idleConditions(spec).map((path) => `${placeOf(path)}${pathText(path)} ${idleText(path)}`);
  return { spec, directory: dirname(resolve(file)), placeOf, notices };
}

function idleText([section]: SpecIssue['path']): string {
  return section === 'overrides'
    ? 'matches no cell that `exclude` leaves'
    : 'takes out no cell that the exclusions before it leave';
}
