/** Where two results came from, as far as it decides whether they may be put together, compared and taken over. */

/** As workers write it; see `describe_environment` of the Python worker. */
export type Environment = Readonly<Record<string, string>>;

/**
 * Of an environment, what can shift the results of all seeds, and not only round their sums otherwise.
 *
 * 2026-11: versions count whole. What a patch release mends may be a wrong kernel, and minor ones of transformers have
 * changed defaults; no number says which did. Left out are threads, processes and the host: they put sums in another
 * order, which is as likely to help a seed as to harm it; and Python, which computes none of it. Precision and the rows of a
 * step are settings, and part of what a cell is.
 */
export const DECISIVE: readonly string[] = ['engine', 'torch', 'transformers', 'device', 'device_name'];
/** In place of what a worker did not say: it may be any. */
export const UNSAID = 'not said';

/** What results must have in common to be put together. */
export function decisiveOf(environment: Environment): Environment {
  return Object.fromEntries(DECISIVE.map((name) => [name, environment[name] || UNSAID]));
}

/** Equal for environments whose results may be put together, compared and taken over. */
export function keyOfEnvironment(environment: Environment): string {
  const known = KEYS.get(environment);
  if (known !== undefined) return known;
  const key = JSON.stringify(decisiveOf(environment));
  KEYS.set(environment, key);
  return key;
}

/** A report asks for the same few of each of its trials, and more than once. */
const KEYS = new WeakMap<Environment, string>();

/**
 * How two environments differ, in words: `torch 2.15.0 instead of 2.13.1, device_name NVIDIA H100 instead of NVIDIA A100`.
 * `null`: their results may be put together.
 */
export function environmentDifference(environment: Environment, reference: Environment): string | null {
  if (keyOfEnvironment(environment) === keyOfEnvironment(reference)) return null;
  const [here, there] = [decisiveOf(environment), decisiveOf(reference)];
  return DECISIVE.filter((name) => here[name] !== there[name])
    .map((name) => `${name} ${here[name]} instead of ${there[name]}`)
    .join(', ');
}

export interface FinishedTrial {
  readonly trialId: string;
  readonly environment: Environment;
  readonly endedAtUnixMs: number | null;
}

export interface NearHit {
  readonly trialId: string;
  /** In words. */
  readonly difference: string;
}

/**
 * Finished trials whose result is there, but from another environment than the reference. Without a reference, it is
 * that of the newest result: what the sweep's workers are now, as far as anybody knows.
 */
export function nearHits(
  finished: readonly FinishedTrial[],
  reference: Environment | null = newestEnvironment(finished),
): readonly NearHit[] {
  if (reference === null) return [];
  return finished.flatMap(({ trialId, environment }) => {
    const difference = environmentDifference(environment, reference);
    return difference === null ? [] : [{ trialId, difference }];
  });
}

/** Of several that ended at once, the last one's. */
export function newestEnvironment(finished: readonly FinishedTrial[]): Environment | null {
  const ended = ({ endedAtUnixMs }: FinishedTrial) => endedAtUnixMs ?? 0;
  const newest = finished.reduce<FinishedTrial | null>(
    (best, each) => (best === null || ended(each) >= ended(best) ? each : best),
    null,
  );
  return newest?.environment ?? null;
}
