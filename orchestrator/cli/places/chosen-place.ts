/** A sweep that runs elsewhere than its file says. */
import { SweepError } from '../../core/errors.js';
import type { JsonValue } from '../../core/sweep/place.js';
import { RunValue, runSectionOf } from '../../core/sweep/run-section.js';
import type { SweepSpec } from '../../core/sweep/sweep-spec.js';
import { parsePlace } from './own-launchers.js';

export interface PlaceChoice {
  readonly on?: string | undefined;
  readonly rayAddress?: string | undefined;
  readonly allowUntestedRay?: boolean | undefined;
}

/**
 * What the file says of its own place is for that place: of another one it keeps the rest of `run`.
 *
 * @throws SweepError USAGE
 */
export function withPlace(spec: SweepSpec, { on, rayAddress, allowUntestedRay = false }: PlaceChoice): SweepSpec {
  const place = on === undefined ? spec.run.on : parsePlace(on);
  if (place !== 'ray' && (rayAddress !== undefined || allowUntestedRay)) {
    const flag = rayAddress === undefined ? '--allow-untested-ray' : '--ray-address';
    throw new SweepError('USAGE', `${flag}: it is for --on ray`, { hint: 'add --on ray, or leave it out' });
  }
  if (place === spec.run.on && rayAddress === undefined && !allowUntestedRay) return spec;
  // Only what was said here is another: what the file asks of its workers stays.
  const kept = (place === spec.run.on ? spec.run.options.place.settings : {}) as Settings;
  const settings: Settings = {
    ...kept,
    ...(rayAddress === undefined ? {} : { address: rayAddress }),
    ...(allowUntestedRay ? { ray: { ...(kept.ray ?? {}), allow_untested_ray: true } } : {}),
  };
  const { data, error } = RunValue.safeParse({ on: place, ...settings });
  if (data === undefined) {
    const [issue] = error.issues;
    throw new SweepError('USAGE', `--ray-address: ${issue?.message ?? ''}, got "${rayAddress}"`);
  }
  const options = { ...spec.run.options, place: runSectionOf(data).options.place };
  return { ...spec, run: { ...spec.run, on: place, options } };
}

/** Of any place, as its file's schema has checked them. */
interface Settings {
  readonly [key: string]: JsonValue;
  readonly ray?: { readonly [key: string]: JsonValue };
}
