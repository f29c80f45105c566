/** How large a difference is, measured by how much it varies. */
import { logGamma } from './beta.js';
import type { Sample } from './sample.js';
import { isAlike } from './student-t.js';

/**
 * Cohen's d of paired differences, corrected for its bias in small samples; `null` without a spread.
 *
 * Source: Hedges 1981, J. Educational Statistics 6, 107–128.
 */
export function pairedEffectSize(sample: Sample): number | null {
  const { n, mean, sd } = sample;
  if (mean === null || sd === null || isAlike(sample)) return null;
  const df = n - 1;
  // For one degree of freedom the correction is 0: two values say nothing of it.
  if (df < 2) return null;
  const correction = Math.exp(logGamma(df / 2) - logGamma((df - 1) / 2)) / Math.sqrt(df / 2);
  return (mean / sd) * correction;
}
