/** Asks the server until there is nothing more to ask; after a failure again, each time later. */
import { ApiError } from './api.js';

const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 15_000;

/**
 * Gives what ends it.
 *
 * @param ask gives in how many ms to ask again; `null`: that was all
 * @param onError of the last time; `null`: it went well
 */
export function keepAsking(
  ask: (signal: AbortSignal) => Promise<number | null>,
  onError: (error: ApiError | null) => void,
): () => void {
  const ended = new AbortController();
  let timer = 0;
  let waitMs = FIRST_WAIT_MS;
  const next = async () => {
    try {
      const againMs = await ask(ended.signal);
      onError(null);
      waitMs = FIRST_WAIT_MS;
      if (againMs !== null && !ended.signal.aborted) timer = window.setTimeout(next, againMs);
    } catch (reason) {
      if (ended.signal.aborted) return;
      const error = reason instanceof ApiError ? reason : new ApiError(0, String(reason), '');
      onError(error);
      if (error.isFinal) return;
      timer = window.setTimeout(next, waitMs);
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
    }
  };
  void next();
  return () => {
    ended.abort();
    clearTimeout(timer);
  };
}
