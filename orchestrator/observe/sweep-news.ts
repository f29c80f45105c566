/** When a sweep has its first failed trial, and when it has ended: for those who are not looking. */
import type { Logger } from 'pino';
import type { SweepRecord } from '../core/records.js';
import type { PlaneView } from './plane-view.js';

export interface SweepNews {
  readonly event: 'sweep-ended' | 'sweep-failing';
  readonly sweep: string;
  readonly total: number;
  readonly counts: SweepRecord['counts'];
}

export interface Sender {
  readonly place: string;
  send(news: SweepNews): Promise<void>;
}

const LOOK_AFTER_MS = 1_000;
const TRIES = 3;
const FIRST_WAIT_MS = 2_000;

/** Gives what ends it. */
export function tellOfSweeps(view: PlaneView, sender: Sender, logger: Logger): () => void {
  let known = new Map(view.journal.sweeps().map((record) => [record.sweep, standingOf(record)]));
  let timer: NodeJS.Timeout | null = null;
  const ended = new AbortController();
  const look = () => {
    timer = null;
    const records = view.journal.sweeps();
    for (const record of records) {
      const { sweep, total, counts } = record;
      const [before, now] = [known.get(sweep) ?? { isOpen: true, hasFailed: false }, standingOf(record)];
      const news = { sweep, total, counts };
      if (before.isOpen && !now.isOpen) void tell({ event: 'sweep-ended', ...news });
      else if (!before.hasFailed && now.hasFailed) void tell({ event: 'sweep-failing', ...news });
    }
    known = new Map(records.map((record) => [record.sweep, standingOf(record)]));
  };
  const tell = async (news: SweepNews) => {
    for (let tried = 1; !ended.signal.aborted; tried += 1) {
      try {
        await sender.send(news);
        logger.info({ sweep: news.sweep, event: news.event, place: sender.place }, 'notified');
        return;
      } catch (reason) {
        const { message } = reason as Error;
        const isLast = tried >= TRIES;
        logger.warn(
          { sweep: news.sweep, event: news.event, place: sender.place, tried, isLast, message },
          'not notified',
        );
        if (isLast) return;
        await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** (tried - 1)).unref());
      }
    }
  };
  // Not at each event: a thousand trials may end within a second.
  const forget = view.onEvents(() => {
    timer ??= setTimeout(look, LOOK_AFTER_MS);
  });
  return () => {
    forget();
    if (timer !== null) {
      clearTimeout(timer);
      look(); // what ended just now is told too
    }
    ended.abort();
  };
}

function standingOf({ counts }: SweepRecord) {
  return { isOpen: counts.queued + counts.running > 0, hasFailed: counts.failed > 0 };
}
