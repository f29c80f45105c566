/** Where two results came from, as far as it decides whether they may be compared. */

/** As workers write it; see `describe_environment` of the Python worker. */
export type Environment = Readonly<Record<string, string>>;

interface ComparablePart {
  readonly name: string;
  readonly textOf: (environment: Environment) => string;
}

const plain = (name: string): ComparablePart => ({ name, textOf: (environment) => environment[name] ?? '' });

/**
 * Parts that may move a result by more than its last digits. Not among them: the host, Python, and patch releases.
 * Engines are told apart by trial ids already; they stand here for results of other journals.
 */
const PARTS: readonly ComparablePart[] = [
  plain('device'),
  plain('device_name'),
  { name: 'torch', textOf: ({ torch = '' }) => firstNumbers(torch, 2) },
  { name: 'transformers', textOf: ({ transformers = '' }) => firstNumbers(transformers, 1) },
  plain('engine'),
];

/** Equal for environments whose results may be compared. */
export function comparableKey(environment: Environment): string {
  return JSON.stringify(PARTS.map(({ textOf }) => textOf(environment)));
}

/**
 * How two environments differ, in words: `device_name NVIDIA H100 instead of NVIDIA A100, torch 2.15 instead of 2.13`.
 * `null`: their results may be compared. What either does not say is not held against it: older results say less.
 */
export function environmentDifference(environment: Environment, reference: Environment): string | null {
  const differing = PARTS.flatMap(({ name, textOf }) => {
    const [here, there] = [textOf(environment), textOf(reference)];
    return here === '' || there === '' || here === there ? [] : [`${name} ${here} instead of ${there}`];
  });
  return differing.length === 0 ? null : differing.join(', ');
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

/** `2.15.0+cu128` to two places: `2.15`. */
function firstNumbers(version: string, places: number): string {
  return (version.split('+')[0] ?? '').split('.').slice(0, places).join('.');
}
