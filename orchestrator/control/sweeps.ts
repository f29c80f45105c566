/** What people may do with sweeps, what budgets do to them, and which of them the snapshot knows. */
import type { Logger } from 'pino';
import type { Failure } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import { type JournalEvent, trialOf } from '../core/events.js';
import { hasLimit } from '../core/schedule/budget.js';
import type { Demand } from '../core/schedule/demand.js';
import { foundNoRoom } from '../core/schedule/retry.js';
import { needWith, ONE_DEVICE, sizeOf } from '../core/schedule/trial-need.js';
import type { Place } from '../core/sweep/place.js';
import type { SubmissionPart } from '../core/sweep/submission.js';
import type { Journal, Submitted, SweepPlace, SweepSpending } from '../journal/journal.js';
import type { Clock } from './clock.js';
import { failpoint } from './failpoints.js';
import { SweepBudgets } from './sweep-budgets.js';
import type { Turns } from './turns.js';
import type { WatchHub } from './watch-hub.js';
import type { WorkerRoster } from './worker-roster.js';

export interface SweepParts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Of the whole sweep; nothing before its last part has come. */
export type SubmitAnswer = Pick<Submitted, 'done' | 'toRun' | 'failed'>;

const NOT_COMPLETE: SubmitAnswer = { done: 0, toRun: 0, failed: 0 };

const NOTHING_USED: SweepSpending = {
  firstLentUnixMs: null,
  endedMs: 0,
  running: new Map(),
  failedTrials: 0,
};

export class Sweeps {
  readonly #parts: SweepParts;
  readonly #turns: Turns;
  readonly #workers: WorkerRoster;
  readonly #watchers: WatchHub;
  readonly #budgets = new SweepBudgets();
  /** Of the live ones. */
  readonly #places = new Map<string, Place>();
  /** In words, why nothing more of each may be lent: a trial of it has found a full disk, and there is no other host. */
  readonly #outOfRoom = new Map<string, string>();
  /** Of those that were paused: what of it ran then, and may still. */
  readonly #rests = new Map<string, { readonly trialIds: readonly string[]; readonly widest: Demand }>();

  constructor(parts: SweepParts, turns: Turns, workers: WorkerRoster, watchers: WatchHub) {
    this.#parts = parts;
    this.#turns = turns;
    this.#workers = workers;
    this.#watchers = watchers;
  }

  /**
   * Goes on with every sweep that is active and not finished, and stands by paused ones of which something runs, as if
   * they were paused now. Gives how many trials wait or run of those that go on.
   */
  takeUp(): number {
    const { journal } = this.#parts;
    for (const place of journal.windingDown()) {
      this.#makeLive(place);
      this.#takeOut(place.sweep, 'for now');
    }
    const places = journal.unfinished();
    const open = places.reduce((sum, place) => sum + this.#makeLive(place), 0);
    if (places.length > 0) this.#parts.logger.info({ sweeps: places.length, trials: open }, 'sweeps are taken up');
    this.#turns.soon();
    return open;
  }

  /** Of the live ones that want something, and of the paused ones of which something still runs. */
  demands(): readonly Demand[] {
    const { snapshot } = this.#turns;
    const live = [...this.#places].flatMap(([sweep, place]): readonly Demand[] => {
      const demand = snapshot.demandOf(sweep);
      return demand === null ? [] : [{ sweep, place, ...demand }];
    });
    return [...live, ...[...this.#rests.keys()].flatMap((sweep) => this.#restOf(sweep) ?? [])];
  }

  #restOf(sweep: string): Demand | null {
    const rest = this.#rests.get(sweep);
    const isRunning = (trialId: string) => this.#turns.snapshot.standing(trialId)?.state === 'running';
    const running = rest?.trialIds.filter(isRunning).length ?? 0;
    if (rest !== undefined && running > 0) return { ...rest.widest, waiting: 0, running };
    this.#rests.delete(sweep);
    return null;
  }

  submit(part: SubmissionPart): SubmitAnswer {
    this.#turns.mustGoOn();
    const { journal, clock } = this.#parts;
    const submitted = this.#turns.write(() => journal.submit(part, clock.unixMs()));
    failpoint('submit-part');
    if (submitted === null) return NOT_COMPLETE;
    for (const event of submitted.events) this.#turns.apply(event);
    this.#makeLive(this.#mustKnow(part.sweep));
    this.#turns.soon();
    const { done, toRun, failed } = submitted;
    return { done, toRun, failed };
  }

  /** Queues again what has ended without a result, for which the sweep becomes active; gives how many trials. */
  retry(sweep: string, { onlyFailed }: { readonly onlyFailed: boolean }): number {
    this.#turns.mustGoOn();
    const { standing } = this.#mustKnow(sweep);
    const { journal, clock } = this.#parts;
    const isMeant = (state: string) => state === 'failed' || (state === 'cancelled' && !onlyFailed);
    const { queued, events } = this.#turns.write(() => {
      const queued: JournalEvent[] = [];
      for (const { trialId, state } of journal.standings(sweep)) {
        if (!isMeant(state)) continue;
        const written = journal.queueAgain(trialId, clock.unixMs());
        if (written.outcome === 'accepted') queued.push(written.event);
      }
      if (queued.length === 0 || standing.state === 'active') return { queued, events: queued };
      return { queued, events: [...queued, journal.setSweepState(sweep, 'active', '', clock.unixMs())] };
    });
    if (queued.length === 0) return 0;
    for (const event of events) this.#turns.apply(event);
    this.#makeLive(this.#mustKnow(sweep));
    this.#turns.soon();
    return queued.length;
  }

  /** Nothing more of it is lent; what runs goes on. */
  pause(sweep: string, reason: string): void {
    this.#turns.mustGoOn();
    const { journal, clock } = this.#parts;
    const { state } = this.#mustKnow(sweep).standing;
    if (state === 'paused') return;
    if (state === 'cancelled') throw isCancelled(sweep);
    this.#standDown(
      sweep,
      this.#turns.write(() => journal.setSweepState(sweep, 'paused', reason, clock.unixMs())),
    );
    this.#turns.soon();
  }

  /** What its budget counts starts anew. Gives how many of its trials wait or run. */
  resume(sweep: string): number {
    this.#turns.mustGoOn();
    const { journal, clock } = this.#parts;
    const { state } = this.#mustKnow(sweep).standing;
    if (state === 'cancelled') throw isCancelled(sweep);
    if (state === 'paused') {
      this.#turns.apply(this.#turns.write(() => journal.setSweepState(sweep, 'active', '', clock.unixMs())));
    }
    const open = this.#makeLive(this.#mustKnow(sweep));
    this.#turns.soon();
    return open;
  }

  /** Cancels what waits or runs for this sweep alone; gives how many. */
  cancel(sweep: string): number {
    this.#turns.mustGoOn();
    this.#mustKnow(sweep);
    const { journal, clock } = this.#parts;
    const { snapshot } = this.#turns;
    const events = this.#turns.write(() => {
      const open = [...journal.standings(sweep)].filter(({ state }) => state === 'queued' || state === 'running');
      if (open.length === 0) return [];
      const others = journal.wantedElsewhere(sweep);
      const cancelled = open.flatMap(({ trialId }) => {
        const written = others.has(trialId) ? null : journal.cancel(trialId, clock.unixMs());
        return written?.outcome === 'accepted' ? [written.event] : [];
      });
      return [...cancelled, journal.setSweepState(sweep, 'cancelled', '', clock.unixMs())];
    });
    for (const event of events) {
      if (event.kind === 'cancelled' && event.lease !== null) {
        const workerId = snapshot.standing(event.trialId)?.workerId ?? '';
        this.#workers.send(workerId, { kind: 'cancel', lease: event.lease, reason: `sweep ${sweep} was cancelled` });
      }
      this.#turns.apply(event);
    }
    this.#takeOut(sweep, 'for good');
    this.#turns.soon();
    return events.filter(({ kind }) => kind === 'cancelled').length;
  }

  /** Of everything that happens to trials. */
  note(event: JournalEvent): void {
    const { snapshot } = this.#turns;
    if (event.kind === 'requeued' || event.kind === 'failed') this.#noteRoom(event.lease.trialId, event.failure);
    this.#budgets.note(
      event,
      {
        sweepsOf: (trialId) => snapshot.sweepsOf(trialId),
        devicesOf: (trialId) => {
          const standing = snapshot.standing(trialId);
          return sizeOf(standing === null ? ONE_DEVICE : needWith(standing.need, standing.machines));
        },
      },
      this.#parts.clock.nowMs(),
    );
  }

  #noteRoom(trialId: string, failure: Failure | null): void {
    const { snapshot } = this.#turns;
    if (failure === null || !foundNoRoom(failure) || snapshot.leavesFullHost(trialId)) return;
    for (const sweep of snapshot.sweepsOf(trialId)) this.#outOfRoom.set(sweep, failure.message);
  }

  /** Within a turn's transaction: pauses whatever has used up its budget, or a disk, and would be lent more. */
  enforceBudgets(): void {
    const { journal, clock, logger } = this.#parts;
    const full = [...this.#outOfRoom].map(([sweep, reason]) => ({ sweep, reason }));
    this.#outOfRoom.clear();
    for (const { sweep, reason } of [...full, ...this.#budgets.reached(clock.nowMs())]) {
      if (!this.#places.has(sweep)) continue; // paused just now, for the other reason
      if (this.#turns.snapshot.summary(sweep)?.counts.queued === 0) continue;
      logger.warn({ sweep, reason }, 'sweep paused');
      this.#standDown(sweep, journal.setSweepState(sweep, 'paused', reason, clock.unixMs()));
    }
  }

  /** When time alone will use up a budget; `null`: never. */
  nextWakeMs(): number | null {
    return this.#budgets.nextWakeMs();
  }

  /** Gives how many of its trials wait or run. */
  #makeLive({ sweep, submission, standing }: SweepPlace): number {
    const { journal, clock } = this.#parts;
    const { owner, options } = standing;
    const { snapshot } = this.#turns;
    snapshot.addSweep(sweep, { order: submission, owner, options }, journal.standings(sweep), clock.nowMs());
    this.#places.set(sweep, options.place);
    this.#rests.delete(sweep);
    const spending = hasLimit(options.budget) ? journal.spending(sweep) : NOTHING_USED;
    this.#budgets.open(sweep, options.budget, spending, clock.nowMs(), clock.unixMs());
    this.#watchers.goOn(sweep);
    const counts = snapshot.summary(sweep)?.counts;
    return (counts?.queued ?? 0) + (counts?.running ?? 0);
  }

  #standDown(sweep: string, event: JournalEvent): void {
    this.#takeOut(sweep, 'for now');
    this.#turns.apply(event);
  }

  /**
   * At once, or the next turn would lend what only it wants among those that are live. Its watchers are told in that
   * turn: of what the snapshot will not know to be theirs and, where it is for now, how what runs of it ends.
   */
  #takeOut(sweep: string, how: 'for now' | 'for good'): void {
    const { snapshot, untold } = this.#turns;
    this.#budgets.close(sweep);
    const summary = snapshot.summary(sweep);
    const running = how === 'for now' ? snapshot.runningOf(sweep) : [];
    const demand = snapshot.demandOf(sweep);
    const place = this.#places.get(sweep);
    if (running.length > 0 && demand !== null && place !== undefined) {
      const { needs: _, ...widest } = demand;
      this.#rests.set(sweep, {
        trialIds: running.map(({ trialId }) => trialId),
        widest: { sweep, place, ...widest },
      });
    }
    this.#places.delete(sweep);
    const news = untold.filter((each) => snapshot.sweepsOf(trialOf(each) ?? '').includes(sweep));
    snapshot.removeSweep(sweep, this.#parts.clock.nowMs());
    if (summary !== null) {
      this.#watchers.windDown(
        summary,
        news,
        running.map(({ trialId }) => trialId),
      );
    } else if (how === 'for good') {
      this.#turns.afterwards(() => {
        if (!snapshot.isLive(sweep)) this.#watchers.end(sweep);
      });
    }
  }

  #mustKnow(sweep: string): SweepPlace {
    const place = this.#parts.journal.place(sweep);
    if (place === null) throw unknownSweep(sweep);
    return place;
  }
}

export function unknownSweep(sweep: string): SweepError {
  return new SweepError('SWEEP_UNKNOWN', `there is no sweep "${sweep}"`, { hint: '`dss status` lists them' });
}

function isCancelled(sweep: string): SweepError {
  return new SweepError('USAGE', `sweep "${sweep}" was cancelled`, {
    hint: `\`dss retry ${sweep}\` queues again what was cancelled`,
  });
}
