/** Carries out what was decided: lends attempts to workers, and takes them back. */

import type { Decision } from '../core/schedule/schedule.js';
import type { AttemptParts, Attempts } from './attempts.js';
import type { Gangs } from './gangs.js';
import type { RunningTrials } from './running-trials.js';
import { leaseChance } from './tokens.js';
import { withFolder } from './trial-folder.js';
import type { Turns } from './turns.js';
import type { WorkerRoster } from './worker-roster.js';

/** What it has in common with the rest of the control plane. */
export interface BesideLender {
  readonly turns: Turns;
  readonly attempts: Attempts;
  readonly workers: WorkerRoster;
  readonly gangs: Gangs;
  readonly running: RunningTrials;
  /** To whoever watches. */
  readonly tellWhatRuns: (workerId: string) => void;
}

export class Lender {
  readonly #parts: AttemptParts & { readonly home: string };
  readonly #beside: BesideLender;

  constructor(parts: AttemptParts & { readonly home: string }, beside: BesideLender) {
    this.#parts = parts;
    this.#beside = beside;
  }

  carryOut(decision: Decision): void {
    switch (decision.kind) {
      case 'grant':
        this.#grant(decision);
        break;
      case 'reserve':
        this.#beside.turns.snapshot.reserve(decision.trialId);
        break;
      case 'recall':
        this.#recall(decision);
        break;
      case 'drain':
        this.#drainHost(decision);
        break;
      case 'requeue':
      case 'fail':
        this.#takeBack(decision);
    }
  }

  #grant({ trialId, workerId, others = [] }: Decision & { readonly kind: 'grant' }): void {
    const { journal, clock, home, random, logger } = this.#parts;
    const trial = journal.trial(trialId)?.trial;
    if (trial === undefined) throw new Error(`trial ${trialId} is not in the journal`);
    const [machines, asked] = [1 + others.length, trial.run.machines];
    const fewer = machines < asked ? machines : null;
    const event = journal.begin(trialId, workerId, clock.unixMs(), leaseChance(random), fewer);
    const { lease } = event;
    if (fewer !== null)
      logger.warn({ trialId, attempt: lease.attempt, machines, asked }, 'goes on with fewer machines');
    if (others.length > 0) this.#beside.turns.snapshot.gather(trialId, others);
    this.#beside.turns.apply(event);
    for (const member of [workerId, ...others]) {
      this.#beside.workers.noteLent(member);
      this.lendNoMoreIfSpent(member);
    }
    this.#beside.running.begun(trialId, trial.settings.max_steps);
    if (others.length > 0) this.#beside.gangs.are(lease, [workerId, ...others]);
    this.#beside.turns.afterwards(() => {
      const { snapshot } = this.#beside.turns;
      const checkpoint = this.#beside.attempts.files.begun(trialId);
      for (const member of [workerId, ...others]) {
        if (!snapshot.isWaiting(lease)) this.#beside.tellWhatRuns(member);
        const gang = this.#beside.gangs.placeOf(lease, member);
        this.#beside.workers.send(member, {
          kind: 'assign',
          lease,
          trial: withFolder(trial, home),
          ...(checkpoint === null ? {} : { checkpoint }),
          ...(snapshot.hasSeveralDevices(member) ? { devices: snapshot.placesOf(lease, member) } : {}),
          ...(gang === null ? {} : { gang }),
        });
      }
    });
  }

  /** One that is there for so many trials has had them. */
  lendNoMoreIfSpent(workerId: string): void {
    if (this.#beside.workers.isSpent(workerId)) this.#beside.turns.snapshot.setAvailable(workerId, false);
  }

  #recall({ lease, workerId }: Decision & { readonly kind: 'recall' }): void {
    this.#beside.attempts.release([lease]);
    const reason = 'it had not begun here and goes to whoever can begin it first';
    this.#beside.turns.afterwards(() => this.#beside.workers.send(workerId, { kind: 'cancel', lease, reason }));
  }

  #drainHost({ host, reason }: Decision & { readonly kind: 'drain' }): void {
    const workers = this.#beside.turns.snapshot.drainHost(host, reason);
    this.#parts.logger.warn({ host, workers, reason }, 'host drained');
  }

  #takeBack(decision: Decision & { readonly kind: 'requeue' | 'fail' }): void {
    const { journal, clock, logger } = this.#parts;
    const { lease, failure, workerId } = decision;
    const { trialId, attempt } = lease;
    logger.warn({ trialId, attempt, workerId }, 'lease lost');
    const written =
      decision.kind === 'fail'
        ? journal.fail(lease, failure, clock.unixMs())
        : journal.requeue(lease, failure, decision.delayMs, clock.unixMs());
    if (written.outcome !== 'accepted') throw new Error(`the lease of ${trialId} is not what the journal has`);
    this.#beside.turns.apply(written.event);
    this.#beside.turns.afterwards(() => this.#beside.workers.send(workerId, { kind: 'stale', lease }));
    // It may hang: it is lent nothing until it says something.
    this.#beside.turns.snapshot.setAvailable(workerId, false);
    this.#beside.workers.suspend(workerId);
  }
}
