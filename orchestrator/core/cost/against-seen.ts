/** What was planned for trials, and what they came to. */

export interface PlannedAndSeen {
  /** What the trials of a kind are called. */
  readonly kind: string;
  readonly plannedSeconds: number | null;
  readonly seenSeconds: number;
  readonly plannedBytes: number | null;
  /** 0: not measured. */
  readonly seenBytes: number;
}

export interface KindComparison {
  readonly kind: string;
  readonly trials: number;
  /** Seen over planned, the median of the trials; `null`: not planned, or not measured. */
  readonly time: number | null;
  readonly memory: number | null;
}

/** Kinds in the order of their first trial. */
export function againstSeen(trials: Iterable<PlannedAndSeen>): readonly KindComparison[] {
  const kinds = new Map<string, { trials: number; times: number[]; memories: number[] }>();
  for (const { kind, plannedSeconds, seenSeconds, plannedBytes, seenBytes } of trials) {
    const sums = kinds.get(kind) ?? { trials: 0, times: [], memories: [] };
    kinds.set(kind, sums);
    sums.trials += 1;
    if (plannedSeconds !== null && plannedSeconds > 0 && seenSeconds > 0) sums.times.push(seenSeconds / plannedSeconds);
    if (plannedBytes !== null && plannedBytes > 0 && seenBytes > 0) sums.memories.push(seenBytes / plannedBytes);
  }
  return [...kinds].map(([kind, { trials: count, times, memories }]) => ({
    kind,
    trials: count,
    time: medianOf(times),
    memory: medianOf(memories),
  }));
}

/** `null` of none. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}
