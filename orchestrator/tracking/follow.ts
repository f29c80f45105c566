/** Passes over a sweep that runs, one after the other, until it has ended or somebody says stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SweepError } from '../core/errors.js';

export interface Pass {
  readonly ended: boolean;
}

export interface FollowOptions<P extends Pass = Pass> {
  /** @throws SweepError; UNAVAILABLE and SWEEP_UNKNOWN are waited out */
  readonly pass: () => Promise<P>;
  /** Then there is one pass more, which is the last. */
  readonly stop: AbortSignal;
  /** It ends by `stop` alone: what has ended may be extended yet. */
  readonly untilStopped: boolean;
  readonly say: (line: string) => void;
  readonly nowMs: () => number;
  /** Ends early when `stop` is aborted. */
  readonly pause?: (ms: number) => Promise<void>;
}

const LEAST_PAUSE_MS = 2_000;
const MOST_PAUSE_MS = 60_000;
/** So many times as long as a pass took: it costs a tenth of a processor at most, however large the sweep is. */
const PAUSE_SHARE = 10;

/** Gives the last pass. @throws what the last pass threw */
export async function follow<P extends Pass>(options: FollowOptions<P>): Promise<P> {
  const { pass, stop, untilStopped, say, nowMs } = options;
  const pause = options.pause ?? ((ms) => sleep(ms, undefined, { signal: stop }).catch(() => {}));
  let failed: SweepError | null = null;
  let pauseMs = LEAST_PAUSE_MS;
  for (;;) {
    const isLast = stop.aborted;
    const started = nowMs();
    try {
      const done = await pass();
      if (failed !== null) say('it works again');
      failed = null;
      if (isLast || (done.ended && !untilStopped)) return done;
      pauseMs = Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, PAUSE_SHARE * (nowMs() - started)));
    } catch (reason) {
      const error = SweepError.from(reason);
      const mayPass =
        error.code === 'UNAVAILABLE' || error.code === 'STATE_HELD' || (error.code === 'SWEEP_UNKNOWN' && untilStopped);
      if (isLast || !mayPass) throw error;
      if (failed === null && error.code === 'UNAVAILABLE') say(`${error.message}; it is tried again`);
      failed = error;
      pauseMs = Math.min(MOST_PAUSE_MS, 2 * pauseMs);
    }
    await pause(pauseMs);
  }
}
