/** What became of a sweep's declared comparisons and of its set of trials, each time that it was submitted. */

/** Once it was complete. */
export interface SubmittedOnce {
  readonly atUnixMs: number;
  /** What it declared to compare, as a text that is the same for the same. */
  readonly compare: string;
  /** What it brought. */
  readonly trialIds: readonly string[];
  readonly extend: boolean;
}

/** Trials that joined a sweep when some of those that it had were done. */
export interface Extension {
  readonly added: number;
  /** That it had by then, and of these the ones that had ended. */
  readonly had: number;
  readonly ended: number;
}

export interface SweepHistory {
  /** The first time that exactly these comparisons stood, whatever stood in between; `null`: it is not on record. */
  readonly declaredAtUnixMs: number | null;
  /** How often they gave way to others, or to none, since then, and when they came back; `null`: they stood all along. */
  readonly changed: { readonly times: number; readonly backAtUnixMs: number } | null;
  readonly extensions: readonly Extension[];
  /** Of trials that have ended more than once: when they first did. */
  readonly firstEndedUnixMs: Readonly<Record<string, number>>;
}

/**
 * @param submitted oldest first
 * @param compare what is declared now
 * @param endedUnixMs by trial, when it ended for the first time
 */
export function historyOf(
  submitted: readonly SubmittedOnce[],
  compare: string,
  endedUnixMs: ReadonlyMap<string, number>,
): Omit<SweepHistory, 'firstEndedUnixMs'> {
  const extensions: Extension[] = [];
  let trialIds: ReadonlySet<string> = new Set();
  let [declaredAtUnixMs, stands]: [number | null, boolean] = [null, false];
  let changed: SweepHistory['changed'] = null;
  let times = 0;
  for (const each of submitted) {
    const isSame = each.compare === compare;
    if (isSame && declaredAtUnixMs === null) declaredAtUnixMs = each.atUnixMs;
    else if (isSame && !stands) changed = { times, backAtUnixMs: each.atUnixMs };
    if (!isSame && stands) times += 1;
    stands = isSame;

    const had = trialIds;
    const added = each.trialIds.filter((trialId) => !had.has(trialId)).length;
    if (each.extend && had.size > 0 && added > 0) {
      const ended = [...had].filter((trialId) => (endedUnixMs.get(trialId) ?? Infinity) < each.atUnixMs).length;
      if (ended > 0) extensions.push({ added, had: had.size, ended });
    }
    trialIds = new Set(each.extend ? [...had, ...each.trialIds] : each.trialIds);
  }
  return { declaredAtUnixMs, changed, extensions };
}
