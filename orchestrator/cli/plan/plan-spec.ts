/** A spec planned with what the flags and the environment say. */
import type { SweepSpec } from '../../core/sweep/sweep-spec.js';
import { hubModelsOf, type Plan, planSweep } from '../../plan/plan-sweep.js';
import type { AskHub } from '../../sources/hub-models.js';
import { resolveDatasets, resolveHome } from '../environment.js';
import { hubAsker } from './hub-asker.js';

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
  ask: AskHub = hubAsker(),
): Promise<Plan> {
  return planSweep(spec, {
    specDirectory: directory,
    datasetsRoot: resolveDatasets(flags.datasets),
    home: resolveHome(flags.home),
    askHub: ask,
    signal,
  });
}

export interface ReadSpec {
  readonly spec: SweepSpec;
  /** Where its relative paths start. */
  readonly directory: string;
}

/** Asks about the hub models of all of them at once, so that an `ask` which remembers has them when they are planned. */
export async function askAhead(
  specs: readonly ReadSpec[],
  flags: PlaceFlags,
  ask: AskHub,
  signal?: AbortSignal,
): Promise<void> {
  const home = resolveHome(flags.home);
  const models = new Map<string, { readonly name: string; readonly weights: boolean }>();
  for (const { spec, directory } of specs) {
    for (const [name, weights] of hubModelsOf(spec, { specDirectory: directory, home })) {
      models.set(`${name} ${weights}`, { name, weights });
    }
  }
  if (models.size > 0) await ask({ models: [...models.values()], download: false }, signal);
}
