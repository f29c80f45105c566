/** A spec planned with what the flags and the environment say. */
import type { SweepSpec } from '../../core/sweep/sweep-spec.js';
import { type Plan, planSweep } from '../../plan/plan-sweep.js';
import type { AskHub } from '../../sources/hub-models.js';
import { askHub } from '../data/ask-hub.js';
import { resolveDatasets, resolveHome } from '../environment.js';

export interface PlaceFlags {
  readonly home?: string | undefined;
  readonly datasets?: string | undefined;
}

/** @param directory where relative paths of the spec start */
export function planSpec(
  spec: SweepSpec,
  directory: string,
  flags: PlaceFlags,
  signal?: AbortSignal,
  ask: AskHub = askHub,
): Promise<Plan> {
  return planSweep(spec, {
    specDirectory: directory,
    datasetsRoot: resolveDatasets(flags.datasets),
    home: resolveHome(flags.home),
    askHub: ask,
    signal,
  });
}
