/** What the benchmark and its process of simulated workers say to each other. */

/** What a simulated worker does with a trial. */
export type Behaviour =
  /** Reports a point, an evaluation and the result at once. */
  | { readonly kind: 'finish' }
  /** Takes so long; says that training is done so long before the end. */
  | { readonly kind: 'work'; readonly trialMs: number; readonly lastMs: number }
  /** Renews its lease and nothing else. */
  | { readonly kind: 'hold' }
  /** Reports points without end, so many reports ahead of their acknowledgement. */
  | { readonly kind: 'measure'; readonly pointsPerReport: number; readonly reportsAhead: number };

export interface SwarmOptions {
  readonly address: string;
  readonly joinToken: string;
  readonly sessions: number;
  /** Of each session. */
  readonly slots: number;
  readonly prefetch: number;
  readonly behaviour: Behaviour;
}

/** Of all sessions so far. */
export interface SwarmCounts {
  readonly lent: number;
  /** Results that were acknowledged. */
  readonly finished: number;
  /** Points that were acknowledged. */
  readonly points: number;
}

/** Asked of the swarm; answered with counts, or with what is in `SwarmGaps`. */
export type SwarmQuestion = 'counts' | 'gaps';

/** Of slots that had a trial before: from the end of that one to the start of the next, in milliseconds. */
export type SwarmGaps = readonly number[];
