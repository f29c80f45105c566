/** What a sweep's time went into, phase by phase. */
import type { TrialRecord } from '../journal/journal.js';

/** In the order in which a trial goes through them. */
const PHASES = ['import', 'idle', 'load', 'tokenize', 'compile', 'train', 'evaluate', 'choices', 'checkpoint'];
/** Of the process, before a trial: no part of the trial's own seconds. */
const BEFORE = ['import', 'idle'];

export interface TimeSpent {
  /** By phase, only those that took any; `other` is what no phase has. */
  readonly byPhase: readonly { readonly phase: string; readonly seconds: number }[];
  readonly totalSeconds: number;
}

/** Over the attempts that succeeded; what others spent is in no result. */
export function timeSpent(records: Iterable<TrialRecord>): TimeSpent {
  const byPhase = new Map<string, number>();
  const add = (phase: string, seconds: number) => byPhase.set(phase, (byPhase.get(phase) ?? 0) + seconds);
  for (const { result } of records) {
    if (result === null) continue;
    let within = 0;
    for (const [phase, seconds] of Object.entries(result.secondsByPhase)) {
      add(phase, seconds);
      if (!BEFORE.includes(phase)) within += seconds;
    }
    // Never below nothing: sums of many phases round differently from the one difference.
    add('other', Math.max(0, result.seconds - within));
  }
  const spent = [...byPhase].map(([phase, seconds]) => ({ phase, seconds })).filter(({ seconds }) => seconds > 0);
  return {
    byPhase: spent.sort((a, b) => rank(a.phase) - rank(b.phase)),
    totalSeconds: spent.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/** Phases that this version does not know come after those that it does, `other` last. */
function rank(phase: string): number {
  if (phase === 'other') return PHASES.length + 1;
  const place = PHASES.indexOf(phase);
  return place === -1 ? PHASES.length : place;
}
