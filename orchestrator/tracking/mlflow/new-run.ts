/** What MLflow's runs begin with. */
import { userInfo } from 'node:os';
import { cellName, type TrackedTrial } from '../tracked.js';
import type { TrackedCell } from '../tracked-cell.js';

export type Tags = Readonly<Record<string, string>>;

export interface NewRun {
  readonly name: string;
  readonly startedAtUnixMs: number;
  readonly tags: Tags;
  readonly params: Tags;
}

/** The shortest limit that a server of these years has for a parameter. */
export const PARAM_CHARACTERS = 500;

export function newParent({ cellId, settings, startedAtUnixMs }: TrackedTrial | TrackedCell): NewRun {
  return {
    name: cellName(settings),
    startedAtUnixMs,
    tags: { 'dss.kind': 'cell', 'dss.cell': cellId },
    params: paramsOf(settings, ['seed']),
  };
}

export function newChild(
  { trialId, cellId, seed, settings, attempt, startedAtUnixMs }: TrackedTrial,
  parent: string,
): NewRun {
  return {
    name: `seed ${seed}`,
    startedAtUnixMs,
    tags: {
      'mlflow.parentRunId': parent,
      'dss.kind': 'trial',
      'dss.trial_id': trialId,
      'dss.cell': cellId,
      'dss.attempt': String(attempt),
    },
    params: paramsOf(settings, []),
  };
}

/** Without settings that mean nothing for the trial. */
function paramsOf(settings: object, leftOut: readonly string[]): Tags {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([name, value]) => value !== null && !leftOut.includes(name))
      .map(([name, value]) => [name, String(value)]),
  );
}

export function tagList(values: Tags, most = 5_000): readonly { readonly key: string; readonly value: string }[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: value.length <= most ? value : `${value.slice(0, most - 1)}…`,
  }));
}

/** MLflow takes letters, digits and `_-. /`. */
export function tagName(name: string): string {
  return name.replace(/[^\w. /-]/g, '_');
}

export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
