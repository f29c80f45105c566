/**
 * What a control plane tells of a sweep until that has ended, through restarts of the control plane. Its streams begin
 * with the state as it is and have no numbers that would outlive it, so what happened while nobody told is found by how
 * the trials stand: each attempt that ended meanwhile is told once, and what the new stream says of it again is not.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../../control/client.js';
import { SweepError } from '../../core/errors.js';
import type { TrialChange, WatchEvent } from '../../core/watch-event.js';
import type { ReachedPlane } from '../server/reached-plane.js';
import { noWorkerNotice } from './no-worker.js';
import { noticeLine } from './notice-line.js';
import type { ProgressDisplay } from './progress-lines.js';

export interface WatchThroughParts {
  readonly plane: Pick<ReachedPlane, 'client' | 'again'>;
  readonly sweep: string;
  /** Of the sweep's trials. */
  readonly trialIds: readonly string[];
  readonly display: Pick<ProgressDisplay, 'update' | 'say'>;
  readonly signal: AbortSignal;
  /** False: it belongs to a command, and ends for good with that. */
  readonly comesBack?: boolean;
  /** See `needsJoining`. */
  readonly isJoined?: boolean;
  /** Of a stream that is open already. */
  readonly events?: AsyncIterable<WatchEvent>;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
/** In a row: an API server that has just come back knows no rights for a while, of somebody who had them before. */
const MOST_REFUSALS = 5;
/** What keeps trials waiting changes seldom, and is in no sweep's stream. */
const NOTICES_EVERY_MS = 15_000;

/** Until the sweep has ended, or the signal is aborted. @throws SweepError for what another try would not change */
export async function watchThrough(parts: WatchThroughParts): Promise<void> {
  const { plane, sweep, display, signal, comesBack = true } = parts;
  let events = parts.events ?? plane.client.watch(sweep, signal);
  let [isBack, delayMs] = [false, FIRST_DELAY_MS];
  const told = new Map<string, TrialChange>();
  const notices = new Notices(parts);
  try {
    for (;;) {
      try {
        for await (const event of isBack ? resumed(parts, events, told) : events) {
          delayMs = FIRST_DELAY_MS;
          if (event.kind === 'trial') told.set(event.trial.trialId, event.trial);
          display.update(event);
        }
        return;
      } catch (reason) {
        if (signal.aborted) return;
        if (!comesBack || !isOutOfReach(reason)) throw reason;
        if (delayMs === FIRST_DELAY_MS) display.say(`${reason.message}; the sweep waits for it, and so does this`);
      }
      const client = await reachAgain();
      if (client === null) return;
      isBack = true;
      events = client.watch(sweep, signal);
    }
  } finally {
    notices.end();
  }

  /** `null`: the signal was aborted. */
  async function reachAgain(): Promise<Client | null> {
    for (let refusals = 0; ; ) {
      // Not all at once, who lost it at the same moment.
      await wait(delayMs * (0.5 + 0.5 * Math.random()), undefined, { signal }).catch(() => {});
      delayMs = Math.min(2 * delayMs, LONGEST_DELAY_MS);
      if (signal.aborted) return null;
      try {
        const client = await plane.again();
        display.say('the control plane is back');
        return client;
      } catch (reason) {
        if (signal.aborted) return null;
        refusals = isRefusal(reason) ? refusals + 1 : 0;
        if (!isOutOfReach(reason) && (refusals === 0 || refusals > MOST_REFUSALS)) throw reason;
      }
    }
  }
}

function isOutOfReach(reason: unknown): reason is SweepError {
  return reason instanceof SweepError && reason.code === 'UNAVAILABLE';
}

function isRefusal(reason: unknown): boolean {
  return reason instanceof SweepError && reason.code === 'NOT_ALLOWED';
}

async function* resumed(
  { plane, trialIds }: WatchThroughParts,
  events: AsyncIterable<WatchEvent>,
  told: ReadonlyMap<string, TrialChange>,
): AsyncGenerator<WatchEvent> {
  const found = new Map<string, TrialChange>();
  let hasLooked = false;
  for await (const event of events) {
    if (event.kind !== 'trial' || isNews(event.trial, found.get(event.trial.trialId))) yield event;
    // The last of what a stream begins with: from here on it tells of all that happens.
    if (event.kind !== 'summary' || hasLooked) continue;
    hasLooked = true;
    yield* await look();
  }
  if (!hasLooked) yield* await look(); // it had ended before

  async function look(): Promise<readonly WatchEvent[]> {
    const all = await plane.client.standing(trialIds);
    for (const change of all) found.set(change.trialId, change);
    return all.filter((trial) => isOther(trial, told.get(trial.trialId))).map((trial) => ({ kind: 'trial', trial }));
  }
}

function isOther({ state, attempt }: TrialChange, told: TrialChange | undefined): boolean {
  return told?.state !== state || told.attempt !== attempt;
}

/** Whether it may have happened after that. Queued again by a person, a trial begins with no attempt. */
function isNews({ attempt, state }: TrialChange, known: TrialChange | undefined): boolean {
  if (known === undefined || state === 'queued') return true;
  return attempt > known.attempt || (attempt === known.attempt && known.state === 'running');
}

/** Says each once while it stands. */
class Notices {
  readonly #parts: WatchThroughParts;
  readonly #timer: NodeJS.Timeout;
  #said: ReadonlySet<string> = new Set();
  #isOver = false;

  constructor(parts: WatchThroughParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#ask(), NOTICES_EVERY_MS);
    void this.#ask();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#isOver = true;
  }

  async #ask(): Promise<void> {
    const { plane, display } = this.#parts;
    const info = await plane.client.info().catch(() => null); // the stream says why
    if (info === null || this.#isOver) return;
    const missing = this.#parts.isJoined === true ? noWorkerNotice(info.workers) : null;
    const notices = missing === null ? info.notices : [...info.notices, missing];
    for (const notice of notices) if (!this.#said.has(notice.message)) display.say(noticeLine(notice));
    this.#said = new Set(notices.map(({ message }) => message));
  }
}
