/** Sweeps that were paused while attempts of theirs ran: their watchers hear how those end. */
import type { TrialState } from '../core/domain.js';
import type { SweepSummary, TrialChange } from '../core/watch-event.js';

interface Rest {
  readonly total: number;
  readonly counts: Record<TrialState, number>;
  readonly running: Set<string>;
}

export class WindingDown {
  readonly #rests = new Map<string, Rest>();

  /** As it was when it was paused. */
  add({ sweep, total, counts }: SweepSummary, running: readonly string[]): void {
    this.#rests.set(sweep, { total, counts: { ...counts }, running: new Set(running) });
  }

  delete(sweep: string): void {
    this.#rests.delete(sweep);
  }

  get isEmpty(): boolean {
    return this.#rests.size === 0;
  }

  /** Whether anything of it still runs. */
  isLeft(sweep: string): boolean {
    return (this.#rests.get(sweep)?.running.size ?? 0) > 0;
  }

  summary(sweep: string): SweepSummary | null {
    const rest = this.#rests.get(sweep);
    return rest === undefined ? null : { sweep, total: rest.total, counts: { ...rest.counts } };
  }

  /** What has become of the sweeps that an attempt was the rest of. */
  take({ trialId, state }: TrialChange): readonly SweepSummary[] {
    if (state === 'running') return [];
    return [...this.#rests].flatMap(([sweep, { counts, running }]) => {
      if (!running.delete(trialId)) return [];
      counts.running -= 1;
      counts[state] += 1;
      return this.summary(sweep) ?? [];
    });
  }
}
