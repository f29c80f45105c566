/** One head for all files of a run: it takes longer to start than most of what is tested on it. */

import { findPython } from '../../../orchestrator/cli/python.js';
import type { JsonValue } from '../../../orchestrator/core/sweep/place.js';
import { ALLOWED } from '../support/ray-environment.js';
import { RayHead, TOKEN } from '../support/ray-head.js';

export const ADAPTERS = ['jobs', 'client'] as const;
export type Adapter = (typeof ADAPTERS)[number];

let shared: Promise<RayHead> | null = null;

/** Its token is then in the environment, as a person would give it. */
export async function sharedHead(): Promise<RayHead> {
  process.env['RAY_AUTH_TOKEN'] = TOKEN;
  if (shared !== null && (await shared).isUp) return shared;
  shared = RayHead.start();
  return shared;
}

/** Below `run` of a sweep file; `ray`: beside what every test needs. */
export function settingsOf(head: RayHead, adapter: Adapter, ray: { readonly [key: string]: JsonValue } = {}) {
  return {
    address: adapter === 'jobs' ? head.dashboard : `ray://${head.client}`,
    // Ray's own Python has no torch here, and the head's GPUs are none.
    ray: { adapter, cpus: 0.5, gpus: 0, python: findPython(), ...ALLOWED, ...ray },
  };
}

after(async () => {
  delete process.env['RAY_AUTH_TOKEN'];
  await (await shared)?.stop();
});
