/**
 * A board's changes as server-sent events. An event's id says up to where it tells, so that a reader who was cut off goes
 * on there; one whose place means nothing any more is told to read the board anew. Events are made when they are read:
 * whatever a slow reader does, nothing piles up.
 */
import type { Board } from './board.js';
import { describeSweep } from './describe.js';
import type { LiveBoard } from './live-board.js';

/** What a page can draw within a tenth of a second, with much to spare. */
const TRIALS_PER_EVENT = 2_000;
const LEAST_MS = 200;
const PING_MS = 15_000;

interface Position {
  version: number;
  causes: number;
  environments: number;
  standing: number;
}

export function eventStream(live: LiveBoard, lastEventId: string, signal: AbortSignal): ReadableStream<Uint8Array> {
  const { board } = live;
  const at = positionOf(board, lastEventId);
  const encoder = new TextEncoder();
  const ended = new AbortController();
  signal.addEventListener('abort', () => ended.abort());
  let lastMs = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const news = at === null ? 'reset' : await next(live, at, lastMs, ended.signal);
        const text = news === 'reset' ? event('reset', eventIdOf(board), {}) : news;
        if (text !== null) controller.enqueue(encoder.encode(text));
        if (text === null || news === 'reset') controller.close();
        lastMs = performance.now();
      },
      cancel: () => ended.abort(),
    },
    { highWaterMark: 0 },
  );
}

export function eventIdOf(board: Board): string {
  return `${board.epoch}-${board.version}`;
}

const UNTOLD = { causes: 0, environments: 0, standing: 0 } as const;

/** `null`: it tells of other trials, or is none of ours. Empty: from the beginning. */
function positionOf(board: Board, lastEventId: string): Position | null {
  if (lastEventId === '') return { version: 0, ...UNTOLD };
  const [epoch, version = ''] = lastEventId.split('-');
  if (epoch !== board.epoch || !/^\d{1,15}$/.test(version)) return null;
  // Causes and environments that it may know of already cost little to hear again.
  return { version: Number(version), ...UNTOLD };
}

/** `reset`: it has other trials now. `null`: there is nobody to tell, or nothing more. */
async function next(live: LiveBoard, at: Position, lastMs: number, signal: AbortSignal): Promise<string | null> {
  await pause(LEAST_MS - (performance.now() - lastMs), signal);
  const { board } = live;
  for (;;) {
    if (signal.aborted) return null;
    if (!live.isCurrent()) return 'reset';
    if (live.isClosed) return null;
    const { places, version } = board.after(at.version, TRIALS_PER_EVENT);
    const isNews = live.standingVersion !== at.standing;
    if (places.length > 0 || isNews) {
      const causes = board.causes.slice(at.causes);
      const firstCause = at.causes;
      const { environments } = board;
      const isNewAmong = environments.length > at.environments;
      Object.assign(at, {
        version,
        causes: board.causes.length,
        environments: environments.length,
        standing: live.standingVersion,
      });
      return event('change', `${board.epoch}-${version}`, {
        trials: places.map((place) => board.row(place)),
        firstCause,
        causes,
        // With another, the words for all of them change.
        environments: isNewAmong ? environments : null,
        sweep: describeSweep(live.record),
        workers: live.workers,
      });
    }
    if (!(await live.stirred(signal, PING_MS))) return ': ping\n\n';
  }
}

function event(kind: string, id: string, data: object): string {
  return `event: ${kind}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
