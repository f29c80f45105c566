/** Ray says nowhere that its protocols are stable, so that each version was tried before it is spoken to. */
import { RayError } from './ray-error.js';

/** Each ran test/ray against a head of its own. The newest is last. */
export const TESTED_RAY: readonly string[] = ['2.56.1', '2.60.0'];

/** @throws RayError untested */
export function mustBeTested(rayVersion: string, address: string, allowUntested: boolean): void {
  if (allowUntested || TESTED_RAY.includes(rayVersion)) return;
  throw new RayError(
    'untested',
    `the cluster at ${address} runs Ray ${rayVersion}; tested are ${TESTED_RAY.join(', ')}`,
    {
      hint: '--allow-untested-ray, or allow_untested_ray: true below run.ray, tries it all the same',
    },
  );
}
