/** Attempts that are lent: to which workers, until when, and for which sweep each counts. */
import type { LeaseRef } from '../domain.js';
import type { KnownTrials } from './known-trials.js';
import { LendingRoom } from './lending-room.js';
import type { LiveSweep } from './live-sweep.js';
import { isHeldBy, lateOf, partsOf, type Running, RunningAttempts } from './running-attempts.js';
import type { LostLease, WaitingLease } from './schedule.js';
import { needWith, sizeOf } from './trial-need.js';
import { WorkerPool, type WorkerShape } from './worker-pool.js';

export class LentAttempts {
  readonly workers = new WorkerPool<Running>();
  readonly #leaseMs: number;
  readonly #trials: KnownTrials;
  readonly #running = new RunningAttempts();
  /** Those that got fewer machines than their trials need. */
  readonly #smaller = new Set<Running>();
  /** By trial: who is about to be lent it besides its holder. */
  readonly #gathered = new Map<string, readonly string[]>();

  constructor(leaseMs: number, trials: KnownTrials) {
    this.#leaseMs = leaseMs;
    this.#trials = trials;
  }

  // Looking.

  get size(): number {
    return this.#running.size;
  }

  /** When the next lease ends; `null`: there is none. */
  get nextMs(): number | null {
    return this.#running.nextMs;
  }

  all(): readonly Running[] {
    return [...this.#running.all()];
  }

  /** Those that got fewer machines than their trials need. */
  smaller(): Iterable<Running> {
    return this.#smaller;
  }

  at(row: number): Running | undefined {
    return this.#running.get(row);
  }

  /** Of a trial, whatever its lease is. */
  find(trialId: string): Running | undefined {
    return this.#running.get(this.#trials.table.find(trialId));
  }

  /** `undefined`: that lease is over. */
  of({ trialId, token }: LeaseRef): Running | undefined {
    const running = this.find(trialId);
    return running?.token === token ? running : undefined;
  }

  expired(nowMs: number): readonly LostLease[] {
    return this.#running.expired(nowMs).map((each) => ({
      lease: each.lease,
      workerId: lateOf(each),
      spent: this.#trials.table.get(each.row).spent,
      isWaiting: this.isWaiting(each),
    }));
  }

  isWaiting(running: Running): boolean {
    return this.workers.isWaiting(running.workerId, running);
  }

  /** What waits and could begin in one of these slots, the earliest first. */
  recallsFor(idle: readonly string[]): readonly WaitingLease[] {
    const room = new LendingRoom(this.workers, Number.POSITIVE_INFINITY); // for what needs one machine
    const slots = [...idle];
    return this.workers.waiting().flatMap(({ lease, workerId, need, payer }) => {
      const isFor = (each: string) => payer === null || payer.pools.has(this.workers.poolOf(each) ?? '');
      const place = slots.findIndex((each) => isFor(each) && room.fits(each, need));
      if (place < 0) return [];
      for (const each of slots.splice(place, 1)) room.take(each, need);
      return [{ lease, workerId }];
    });
  }

  // What happens to them.

  /** Of a trial that is about to begin: who runs it besides the first. */
  gather(trialId: string, others: readonly string[]): void {
    this.#gathered.set(trialId, others);
  }

  /** As the table says by now. */
  begin(row: number, nowMs: number): void {
    const { trialId, attempts, token, workerId, machines, need: asked } = this.#trials.table.get(row);
    const need = needWith(asked, machines);
    const others = this.#gathered.get(trialId) ?? [];
    this.#gathered.delete(trialId);
    const first = workerId ?? '';
    const missing = need.machines - 1 - others.length;
    const running: Running = {
      row,
      lease: { trialId, attempt: attempts, token },
      token,
      kind: this.#trials.table.kindOf(row),
      need,
      workerId: first,
      others: [...others],
      missing,
      untilMs: nowMs + this.#leaseMs,
      parts: partsOf([first, ...others], missing, nowMs + this.#leaseMs),
      endsSoon: false,
      payer: null,
    };
    this.#running.add(running);
    if (machines !== null) this.#smaller.add(running);
    for (const each of [first, ...others]) this.workers.lend(each, running);
    this.#charge(running, nowMs);
  }

  end(row: number, nowMs: number): void {
    const running = this.#running.get(row);
    if (running === undefined) return;
    this.#running.delete(running);
    this.#smaller.delete(running);
    if (running.parts !== null) this.#trials.holdUntil(running.lease.trialId, nowMs + this.#leaseMs);
    for (const each of [running.workerId, ...running.others]) this.workers.takeBack(each, running);
    running.payer?.takeBack(sizeOf(running.need), nowMs);
  }

  /** `workerId`: which member of a gang does; `null`: all of them. */
  renew(running: Running, nowMs: number, workerId: string | null): void {
    this.#running.renew(running, nowMs + this.#leaseMs, workerId);
  }

  /** Whoever shows the token of an attempt whose gang nobody remembers belongs to it. */
  comeBack(running: Running, workerId: string): void {
    if (running.missing === 0 || isHeldBy(running, workerId)) return;
    this.#running.comeBack(running, workerId);
    this.workers.lendAgain(workerId, running);
  }

  addWorker(workerId: string, shape: WorkerShape): void {
    const isKnown = this.workers.has(workerId);
    this.workers.add(workerId, shape);
    if (isKnown) return;
    for (const running of this.#running.all()) {
      if (isHeldBy(running, workerId)) this.workers.lendAgain(workerId, running);
    }
  }

  // For whom they count.

  /** Another live sweep wants it by now. */
  chargeIfUnpaid(row: number, nowMs: number): void {
    const running = this.#running.get(row);
    if (running?.payer === null) this.#charge(running, nowMs);
  }

  /** That sweep wants these no more: others that want them have to pay for what runs. */
  discharge(sweep: LiveSweep, rows: Iterable<number>, nowMs: number): void {
    const unpaid: Running[] = [];
    for (const row of rows) {
      const running = this.#running.get(row);
      if (running?.payer !== sweep) continue;
      sweep.takeBack(sizeOf(running.need), nowMs);
      running.payer = null;
      unpaid.push(running);
    }
    for (const running of unpaid) this.#charge(running, nowMs);
  }

  /** Its slot counts for the first, in the order of lending, of the live sweeps that want it. */
  #charge(running: Running, nowMs: number): void {
    running.payer = this.#trials.claimantOf(running.row, nowMs);
    running.payer?.lend(sizeOf(running.need));
  }
}
