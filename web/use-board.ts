/** Reads a sweep's board and keeps it up; whatever cuts the line, it goes on where it was. */
import { useEffect, useState } from 'preact/hooks';
import { ApiError, type BoardAnswer, type Change, events, read } from './api.js';
import { Board } from './board.js';

export interface Live {
  readonly board: Board | null;
  /** Of `board`: the object stays the same. */
  readonly version: number;
  readonly error: ApiError | null;
  readonly isConnected: boolean;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export function useBoard(sweep: string, tokenVersion: number): Live {
  const [live, setLive] = useState<Live>({ board: null, version: 0, error: null, isConnected: false });
  useEffect(() => {
    const ended = new AbortController();
    void keepUp(sweep, ended.signal, setLive);
    return () => ended.abort();
  }, [sweep, tokenVersion]);
  return live;
}

async function keepUp(sweep: string, signal: AbortSignal, set: (live: Live) => void): Promise<void> {
  let board: Board | null = null;
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      if (board === null) {
        const answer = await read<BoardAnswer>(`/sweeps/${sweep}/board`, signal);
        board = new Board(answer);
        set({ board, version: board.version, error: null, isConnected: true });
      }
      const { eventId } = board;
      for await (const event of events(`/sweeps/${sweep}/events`, eventId, signal)) {
        waitMs = FIRST_WAIT_MS;
        if (event.kind === 'reset') {
          board = null;
          break;
        }
        const started = performance.now();
        board.apply(event.data as Change, event.id);
        set({ board, version: board.version, error: null, isConnected: true });
        requestAnimationFrame(() => performance.measure('update', { start: started, end: performance.now() }));
      }
    } catch (reason) {
      if (signal.aborted) return;
      const error = reason instanceof ApiError ? reason : new ApiError(0, 'The line is cut.', 'This page tries again.');
      set({ board, version: board?.version ?? 0, error, isConnected: false });
      if (error.isFinal) return;
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
  }
}
