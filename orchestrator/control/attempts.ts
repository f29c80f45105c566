/** What workers report about their attempts, and what becomes of attempts that end badly. */
import type { Logger } from 'pino';
import type { Failure, LeaseRef } from '../core/domain.js';
import { judgeFailure, NOTHING_SPENT } from '../core/schedule/retry.js';
import { oneLine } from '../core/text.js';
import type { LogLine, Report } from '../core/worker-message.js';
import type { Journal, Written } from '../journal/journal.js';
import { AttemptFiles, type AttemptFilesParts } from './attempt-files.js';
import type { Clock, Random } from './clock.js';
import type { LogStore } from './log-store.js';
import type { Turns } from './turns.js';
import type { WorkerRoster } from './worker-roster.js';

export interface AttemptParts extends AttemptFilesParts {
  readonly journal: Journal;
  readonly logs: LogStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Gets what attempts print; absent: their own logs alone do. */
  readonly workerLog?: Logger;
}

/** Of a line; its trial's own log may have more. */
const LINE_LENGTH = 8 * 1024;

const STALE: Written = { outcome: 'stale' };

/** Every method runs within a turn's transaction. */
export class Attempts {
  readonly #parts: AttemptParts;
  readonly #turns: Turns;
  readonly #workers: WorkerRoster;
  readonly #isDraining: () => boolean;
  readonly files: AttemptFiles;

  constructor(parts: AttemptParts, turns: Turns, workers: WorkerRoster, isDraining: () => boolean) {
    this.#parts = parts;
    this.#turns = turns;
    this.#workers = workers;
    this.#isDraining = isDraining;
    this.files = new AttemptFiles(parts);
  }

  take(workerId: string, report: Report): void {
    if (report.kind === 'drained') this.release(this.#turns.snapshot.heldBy(workerId));
    else if (this.#turns.snapshot.isFollower(report.lease, workerId)) this.#takeFromFollower(workerId, report);
    else if (report.kind === 'log') this.#takeLog(workerId, report);
    else
      this.note(
        workerId,
        report.lease,
        this.#isOfAnother(workerId, report.lease) ? STALE : this.#write(workerId, report),
      );
  }

  /** The first of its gang says all that there is to say of the attempt, but that it has failed. */
  #takeFromFollower(workerId: string, report: Exclude<Report, { kind: 'drained' }>): void {
    if (report.kind === 'failed') this.note(workerId, report.lease, this.#write(workerId, report));
  }

  /** Given back without having failed: costs no budget. */
  release(leases: readonly LeaseRef[]): void {
    const { journal, clock } = this.#parts;
    for (const lease of leases) {
      const written = journal.requeue(lease, null, 0, clock.unixMs());
      if (written.outcome === 'accepted') this.#turns.apply(written.event);
    }
  }

  /** Their worker has gone. What it had not begun did not suffer from that. */
  lose(leases: readonly LeaseRef[], failure: Failure): void {
    const waiting = leases.filter((lease) => this.#turns.snapshot.isWaiting(lease));
    this.release(waiting);
    for (const lease of leases.filter((each) => !waiting.includes(each))) {
      const written = this.#fail(lease, failure);
      if (written.outcome === 'accepted') this.#turns.apply(written.event);
    }
  }

  note(workerId: string, lease: LeaseRef, written: Written): void {
    if (written.outcome === 'accepted') {
      this.#turns.apply(written.event);
      this.#workers.spokeFor(workerId, true);
    } else if (written.outcome === 'stale') {
      // No fault: it was on its way here while its trial went to another. Whoever goes on with that is sent away.
      this.#parts.logger.info({ ...lease, token: undefined, workerId }, 'a stale report was refused');
      const isTooMuch = this.#workers.spokeFor(workerId, false);
      this.#turns.afterwards(() => {
        this.#workers.send(workerId, { kind: 'stale', lease });
        if (isTooMuch) this.#workers.sendAway(workerId);
      });
    }
  }

  /** Of what needs no turn. */
  spokeInVain(workerId: string): void {
    if (this.#workers.spokeFor(workerId, false)) this.#workers.sendAway(workerId);
  }

  /** Whoever was lent an attempt speaks for it, and nobody else, whatever token they show. */
  #isOfAnother(workerId: string, lease: LeaseRef): boolean {
    const holder = this.#turns.snapshot.holderOf(lease.trialId);
    return holder !== null && holder !== workerId;
  }

  #write(workerId: string, report: Exclude<Report, { kind: 'drained' | 'log' }>): Written {
    const { journal, clock, logger } = this.#parts;
    const { lease } = report;
    switch (report.kind) {
      case 'metrics':
        return journal.measure(lease, report, clock.unixMs());
      case 'checkpoint':
        return this.#takeCheckpoint(report);
      case 'finished': {
        const isCurrent = this.#turns.snapshot.isCurrent(lease);
        const lost = isCurrent ? this.files.placeKept(lease.trialId, report.files ?? []) : null;
        return lost === null ? journal.finish(lease, report.result, clock.unixMs()) : this.#fail(lease, lost);
      }
      case 'failed': {
        const { trialId, attempt } = lease;
        logger.info({ trialId, attempt, workerId, code: report.failure.code }, 'attempt failed');
        return this.#fail(lease, report.failure);
      }
    }
  }

  #takeCheckpoint({ lease, step, path, files: said = [] }: Report & { kind: 'checkpoint' }): Written {
    const { journal, clock } = this.#parts;
    const { trialId } = lease;
    const files = this.files.storedOf(trialId, step, said);
    const before = files.length === 0 ? null : journal.storedCheckpoint(trialId);
    const written = journal.checkpoint(lease, step, path, clock.unixMs(), files);
    if (written.outcome === 'accepted' && files.length > 0) {
      this.#turns.afterwards(() => this.files.checkpointed(trialId, before, { step, path, files }));
    }
    return written;
  }

  #fail(lease: LeaseRef, failure: Failure): Written {
    const { journal, clock, random } = this.#parts;
    // A drain kills what does not end in time: not the trial's fault.
    if (this.#isDraining() && (failure.kind === 'lost' || failure.kind === 'preempted'))
      return journal.requeue(lease, null, 0, clock.unixMs());
    const { snapshot } = this.#turns;
    const { spent, workerId } = snapshot.standing(lease.trialId) ?? { spent: NOTHING_SPENT, workerId: null };
    const suffered = { spent, diedOn: snapshot.diedOn(lease.trialId), workerId: workerId ?? '' };
    const verdict = judgeFailure(failure, suffered, random.unit());
    return verdict.kind === 'fail'
      ? journal.fail(lease, verdict.failure, clock.unixMs())
      : journal.requeue(lease, failure, verdict.delayMs, clock.unixMs());
  }

  #takeLog(workerId: string, { lease, lines, dropped }: Report & { kind: 'log' }): void {
    // The last lines may come after the end of the attempt; those of an older one are nobody's.
    const isCurrent = this.#turns.snapshot.standing(lease.trialId)?.token === lease.token;
    if (!isCurrent || this.#isOfAnother(workerId, lease)) {
      this.note(workerId, lease, STALE);
      return;
    }
    try {
      this.#parts.logs.append(lease.trialId, lease.attempt, lines, dropped);
      this.#carryOn(workerId, lease, lines, dropped);
    } catch (reason) {
      // Not worth a trial. Where a full disk is the cause, the journal soon says so too.
      this.#parts.logger.warn({ trialId: lease.trialId, err: reason }, 'log lines could not be written');
    }
  }

  /** Beside what other workers print, for whoever searches all of it at once. */
  #carryOn(workerId: string, { trialId, attempt }: LeaseRef, lines: readonly LogLine[], dropped: number): void {
    const { workerLog } = this.#parts;
    if (workerLog === undefined) return;
    for (const { stream, text, unixMs } of lines) {
      workerLog.info({ trialId, attempt, workerId, stream, atUnixMs: unixMs }, oneLine(text).slice(0, LINE_LENGTH));
    }
    if (dropped > 0) workerLog.info({ trialId, attempt, workerId, dropped }, 'lines were left out: too many at once');
  }
}
