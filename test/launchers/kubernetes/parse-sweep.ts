/** The place of a sweep whose section `run` is given. */
import type { Place } from '../../../orchestrator/core/sweep/place.js';
import { parseSweepValue } from '../../../orchestrator/core/sweep/sweep-spec.js';

export function parseSweep(run: unknown): Place {
  return parseSweepValue({ sweep: 's', grid: { models: ['m'], datasets: ['cqa'] }, run }, 'x.yaml').run.options.place;
}
