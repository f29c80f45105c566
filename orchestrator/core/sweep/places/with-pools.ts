/** Names the pools whose workers take a sweep's trials, each by a hash of what its place's settings ask of workers. */
import type { Place } from '../place.js';
import type { Sha256 } from '../trial-id.js';
import { kubernetesPoolsOf } from './kubernetes-settings.js';
import { rayPoolsOf } from './ray-settings.js';

export function withPools(place: Place, sha256: Sha256): Place {
  switch (place.on) {
    case 'local':
      return place;
    case 'kubernetes':
      return { ...place, pools: kubernetesPoolsOf(place.settings, sha256) };
    case 'ray':
      return { ...place, pools: rayPoolsOf(place.settings, sha256) };
  }
}
