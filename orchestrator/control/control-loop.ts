/** The control plane without its transport: what clients and workers may ask of it, and what it does by itself. */

import { ENGINE_VERSION, type Failure, type LeaseRef, type Progress } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import { type JournalEvent, trialOf } from '../core/events.js';
import type { Notice } from '../core/notice.js';
import type { Demand } from '../core/schedule/demand.js';
import { poolKeyOf } from '../core/schedule/pool-keys.js';
import { decide } from '../core/schedule/schedule.js';
import { smallerNotice } from '../core/schedule/smaller-attempts.js';
import type { WorkerPlace } from '../core/schedule/snapshot.js';
import type { SubmissionPart } from '../core/sweep/submission.js';
import type { TrialProgress } from '../core/trial-progress.js';
import type { Hello, Report } from '../core/worker-message.js';
import type { WorkerLoad, WorkerStanding } from '../core/worker-standing.js';
import { type AttemptParts, Attempts } from './attempts.js';
import { Gangs } from './gangs.js';
import { Lender } from './lender.js';
import { RunningTrials } from './running-trials.js';
import { type SubmitAnswer, Sweeps } from './sweeps.js';
import { Turns } from './turns.js';
import { UnfitNotice } from './unfit-notice.js';
import { type Watcher, WatchHub } from './watch-hub.js';
import { stateOf, type WorkerLink, WorkerRoster } from './worker-roster.js';

export interface ControlLoopParts extends AttemptParts {
  /** The state folder, absolute: trials have their own folders in it. */
  readonly home: string;
  readonly leaseMs: number;
  readonly renewEveryMs: number;
  /** What the sweeps ask of their places may have changed. */
  readonly onDemand?: () => void;
  /** Of whatever has happened and is durable. */
  readonly onEvents?: (events: readonly JournalEvent[]) => void;
  /** Nothing can go on. Called once. */
  readonly onFatal: (error: SweepError) => void;
}

/** A drain waits so much longer than it grants, for the last reports to arrive. */
const DRAIN_MARGIN_MS = 2_000;

export class ControlLoop {
  readonly #parts: ControlLoopParts;
  readonly #turns: Turns;
  readonly #attempts: Attempts;
  readonly #sweeps: Sweeps;
  readonly #workers = new WorkerRoster();
  readonly #watchers = new WatchHub();
  readonly #gangs = new Gangs(this.#workers);
  readonly #unfit: UnfitNotice;
  readonly #running: RunningTrials;
  readonly #lender: Lender;
  #draining: { readonly graceMs: number; readonly drained: Promise<void>; readonly done: () => void } | null = null;

  constructor(parts: ControlLoopParts) {
    this.#parts = parts;
    this.#running = new RunningTrials(parts.journal);
    this.#turns = new Turns({
      ...parts,
      decide: () => this.#decide(),
      note: (event) => this.#sweeps.note(event),
      nextWakeMs: () => this.#sweeps.nextWakeMs(),
      publish: (events) => this.#publish(events),
      onFatal: (error) => {
        this.#draining?.done();
        this.#watchers.fail(error);
        parts.onFatal(error);
      },
    });
    this.#unfit = new UnfitNotice(parts, () => this.#turns.snapshot.unfit());
    this.#attempts = new Attempts(parts, this.#turns, this.#workers, () => this.#draining !== null);
    this.#sweeps = new Sweeps(parts, this.#turns, this.#workers, this.#watchers);
    this.#lender = new Lender(parts, {
      turns: this.#turns,
      attempts: this.#attempts,
      workers: this.#workers,
      gangs: this.#gangs,
      running: this.#running,
      tellWhatRuns: (workerId) => this.#tellWhatRuns(workerId),
    });
  }

  /**
   * Takes up what a former control plane left, and with `serves` every sweep that is not finished. What is read of a
   * damaged journal may be anything, so that its check has the first word, and nothing is lent or written before it.
   *
   * @throws SweepError STATE_INVALID
   */
  async takeOver({ serves, workersSurvive }: { serves: boolean; workersSurvive: boolean }): Promise<void> {
    const { journal } = this.#parts;
    this.#turns.hold();
    try {
      if (!workersSurvive) await journal.whole(); // what ran is taken back, which is written
      this.recover(workersSurvive);
      if (serves) this.#sweeps.takeUp();
    } catch (reason) {
      await journal.whole();
      throw reason;
    }
    await journal.whole();
  }

  /** From here on it acts, on what it took over too: nothing can keep the control plane from starting any more. */
  begin(): void {
    this.#turns.goOn();
  }

  /** Its attempts go on only under workers that live on. */
  recover(workersSurvive: boolean): void {
    const { journal, clock, logger, leaseMs } = this.#parts;
    // Of a gang that ended just before, some may be out of reach and still at it.
    if (workersSurvive) this.#turns.snapshot.lendNoGangBefore(clock.nowMs() + leaseMs);
    const left = journal.running();
    if (left.length === 0) return;
    logger.info({ attempts: left.length, workersSurvive }, 'a former run left attempts');
    if (workersSurvive) for (const standing of left) this.#turns.snapshot.adopt(standing, clock.nowMs());
    else {
      this.#turns.write(() =>
        this.#attempts.release(left.map(({ trialId, attempts, token }) => ({ trialId, attempt: attempts, token }))),
      );
    }
    this.#turns.soon();
  }

  get isLending(): boolean {
    return !this.#turns.isOver && this.#draining === null;
  }

  // For clients.

  /** What people may do with sweeps. */
  get sweeps(): Sweeps {
    return this.#sweeps;
  }

  /** Of the live sweeps that want something. */
  demands(): readonly Demand[] {
    return this.#sweeps.demands();
  }

  /** What keeps trials waiting that no waiting would end, and what runs with less than it asked for. */
  get notices(): readonly Notice[] {
    const unfit = this.#unfit.standing().map(({ key: _, ...notice }) => notice);
    return [...unfit, ...this.#turns.snapshot.smaller().map(smallerNotice)];
  }

  submit(part: SubmissionPart): SubmitAnswer {
    return this.#sweeps.submit(part);
  }

  cancel(sweep: string): number {
    return this.#sweeps.cancel(sweep);
  }

  watch(sweep: string, watcher: Watcher): () => void {
    const { error } = this.#turns;
    if (error === null) return this.#watchers.add(sweep, watcher, this.#turns.snapshot);
    watcher.fail(error);
    return () => {};
  }

  /** Those that are connected, and those that may come back. */
  workers(): readonly WorkerStanding[] {
    const { snapshot } = this.#turns;
    return this.#workers.all().map(({ hello, isConnected, isEnding, load }) => {
      const { workerId, host, slots, devices } = hello;
      const held = snapshot.heldBy(workerId);
      const lent = held.length;
      const running = this.#runningOn(workerId);
      const reason = snapshot.drainedReason(workerId);
      const isDraining = isEnding || this.#draining !== null;
      const state = stateOf({ isConnected, isDraining, isDrained: reason !== '', isBusy: lent > 0 });
      return { workerId, host, slots, lent, state, reason, devices: devices.map(({ name }) => name), load, running };
    });
  }

  isConnected(workerId: string): boolean {
    return this.#workers.isConnected(workerId);
  }

  /** And was not seen to end. */
  hasJoined(workerId: string): boolean {
    return this.#workers.poolOf(workerId) !== null;
  }

  isBusy(workerId: string): boolean {
    return this.#turns.snapshot.heldBy(workerId).length > 0;
  }

  /** Whether a worker of this pool has the name, and is lent the trial. */
  holds(workerId: string, pool: string, trialId: string): boolean {
    return this.#workers.poolOf(workerId) === pool && this.#turns.snapshot.heldBy(workerId).some(isOf(trialId));
  }

  /** Whether a live sweep still expects something of a trial. */
  isOpen(trialId: string): boolean {
    const state = this.#turns.snapshot.standing(trialId)?.state;
    return !this.#turns.isOver && (state === 'running' || state === 'queued');
  }

  // For workers.

  /** `pool`: whose token it joined by. A name belongs to the pool that has it. */
  join(hello: Hello, link: WorkerLink, pool = ''): void {
    const { leaseMs, renewEveryMs, logger } = this.#parts;
    const { workerId, engineVersion } = hello;
    if (engineVersion !== ENGINE_VERSION) {
      const message = `worker ${workerId} has engine version ${engineVersion}, expected ${ENGINE_VERSION}`;
      logger.error({ workerId, engineVersion }, 'worker refused');
      const hint = 'control plane and workers must come from the same version of dss';
      link.send({ kind: 'refused', code: 'ENGINE_VERSION', message, hint });
      link.end();
      return;
    }
    const { snapshot } = this.#turns;
    if (!this.#workers.isOf(workerId, pool)) {
      logger.error({ workerId, pool }, 'worker refused: another pool has the name');
      const message = `the name ${workerId} belongs to a worker of another pool`;
      link.send({ kind: 'refused', code: 'NOT_ALLOWED', message, hint: 'give this worker a name of its own' });
      link.end();
      return;
    }
    const who = this.#workers.join(hello, link, pool);
    if (who === 'another process') snapshot.removeWorker(workerId);
    const place = { ...placeOf(hello), pool: poolKeyOf(pool), settledMs: this.#settledMs() };
    snapshot.addWorker(workerId, hello.slots, hello.prefetch, hello.host, place);
    this.#lender.lendNoMoreIfSpent(workerId);
    const holds = new Set(hello.running.map(({ token }) => token));
    const missing = snapshot.heldBy(workerId).filter(({ token }) => !holds.has(token));
    this.#turns.observe(() => {
      if (who === 'another process') this.#attempts.lose(missing, replaced(workerId));
      else this.#attempts.release(missing); // they never arrived there
    });
    logger.info({ workerId, host: hello.host, pid: hello.pid, devices: hello.devices }, 'worker joined');
    link.send({ kind: 'welcome', leaseMs, renewEveryMs });
    for (const lease of hello.running) {
      snapshot.comeBack(lease, workerId);
      if (snapshot.isOfGang(lease)) this.#gangs.are(lease, snapshot.membersOf(lease));
      if (!this.#renews(workerId, lease)) link.send({ kind: 'stale', lease });
    }
    this.#tellWhatRuns(workerId);
    if (this.#draining !== null) this.#tellToDrain(workerId, this.#draining.graceMs);
    this.#turns.soon();
  }

  /** The stream broke. The worker may come back within its leases. */
  leave(workerId: string, link: WorkerLink): void {
    if (!this.#workers.leave(workerId, link)) return;
    this.#turns.snapshot.setAvailable(workerId, false);
    this.#watchers.tellWorker({ workerId, slots: 0, running: [], gone: true });
    const failure = this.#workers.exitOf(workerId);
    if (failure !== null) this.#bury(workerId, failure);
  }

  /** The worker's process has ended. What it said before is heard first, as far as its stream still holds it. */
  workerExited(workerId: string, failure: Failure): void {
    if (this.#workers.exited(workerId, failure) === 'stream closed') this.#bury(workerId, failure);
  }

  renew(workerId: string, leases: readonly LeaseRef[]): void {
    this.#hear(workerId);
    const renewed = leases.filter((lease) => this.#renews(workerId, lease));
    for (const lease of leases) if (!renewed.includes(lease)) this.#workers.send(workerId, { kind: 'stale', lease });
    this.#workers.send(workerId, { kind: 'renewed', leases: renewed });
    if (leases.length > 0 && renewed.length === 0) this.#attempts.spokeInVain(workerId);
  }

  /** Only for the worker that the lease was lent to. */
  #renews(workerId: string, lease: LeaseRef): boolean {
    return this.#turns.snapshot.renew(lease, this.#parts.clock.nowMs(), workerId);
  }

  #isOf(workerId: string, { trialId }: Pick<LeaseRef, 'trialId'>): boolean {
    return this.#turns.snapshot.holderOf(trialId) === workerId;
  }

  progress(workerId: string, lease: LeaseRef, progress: Progress): void {
    this.#hear(workerId);
    if (this.#turns.snapshot.isFollower(lease, workerId)) return; // the first of a gang says how far it is
    if (!this.#isOf(workerId, lease) || !this.#turns.snapshot.isCurrent(lease)) {
      this.#attempts.spokeInVain(workerId);
      return;
    }
    this.#reached(lease, progress.step);
    this.#running.hear(lease.trialId, progress);
    for (const member of this.#turns.snapshot.membersOf(lease)) this.#tellWhatRuns(member);
  }

  load(workerId: string, load: WorkerLoad): void {
    this.#hear(workerId);
    this.#workers.noteLoad(workerId, load);
  }

  report(workerId: string, sequence: bigint, report: Report): void {
    this.#hear(workerId);
    // Both now and not in the turn: until then another process may take the worker's name, and number its reports anew.
    const isNew = this.#workers.isNew(workerId, sequence);
    if (report.kind === 'metrics') this.#reached(report.lease, report.training.at(-1)?.step ?? 0);
    // It ends by itself, told to by somebody else: what it gives back must not go to it again.
    if (report.kind === 'drained') {
      this.#turns.snapshot.setAvailable(workerId, false);
      this.#workers.noteDrained(workerId);
    }
    this.#turns.observe(() => {
      if (isNew) this.#attempts.take(workerId, report);
      this.#workers.acknowledge(workerId, sequence);
    });
  }

  // The end.

  /**
   * Lends nothing any more and waits until nothing runs, at most for the grace and a little. Of several drains the one
   * that gives the least time ends all.
   */
  async drain(graceMs: number): Promise<void> {
    if (this.#turns.isOver) return;
    const { clock, logger } = this.#parts;
    logger.info({ graceMs, running: this.#turns.snapshot.running().length }, 'draining');
    const { drained, done } = this.#draining ?? newDrain();
    this.#draining = { graceMs, drained, done };
    for (const workerId of this.#workers.ids()) this.#tellToDrain(workerId, graceMs);
    const deadline = clock.after(graceMs + DRAIN_MARGIN_MS, done);
    this.#turns.soon();
    await drained;
    deadline.cancel();
  }

  /** Takes back what runs, at no cost to its budget, and does nothing from then on. */
  stop(): void {
    this.#unfit.stop();
    this.#turns.stop(() => this.#attempts.release(this.#turns.snapshot.running()));
    this.#draining?.done();
    this.#watchers.fail(new SweepError('UNAVAILABLE', 'the control plane has stopped'));
  }

  /** Ends everything that goes on, with an error. */
  fail(error: SweepError): void {
    this.#unfit.stop();
    this.#turns.fail(error);
  }

  // By itself.

  #decide(): void {
    for (;;) {
      this.#sweeps.enforceBudgets();
      const decisions = decide(this.#turns.snapshot, this.#parts.clock.nowMs());
      if (decisions.length === 0) break;
      for (const decision of decisions) this.#lender.carryOut(decision);
    }
    this.#unfit.soon();
  }

  #publish(events: readonly JournalEvent[]): void {
    this.#workers.flush();
    for (const event of events) {
      if (event.kind === 'succeeded') this.#parts.logger.info({ trialId: event.lease.trialId }, 'trial succeeded');
      const trialId = trialOf(event);
      if (trialId === null || event.kind === 'measured' || event.kind === 'begun') continue;
      this.#parts.logs.touch(trialId);
      if (event.kind === 'succeeded' || event.kind === 'cancelled') {
        this.#turns.afterwards(() => this.#attempts.files.ended(trialId, event.kind));
      }
      if (event.kind === 'queued' || event.kind === 'checkpointed') continue;
      const gang = 'lease' in event && event.lease !== null ? this.#gangs.ended(event.lease) : [];
      const standing = this.#turns.snapshot.standing(trialId);
      if (standing?.state !== 'running') this.#running.ended(trialId);
      for (const member of new Set([standing?.workerId ?? '', ...gang])) this.#tellWhatRuns(member);
    }
    this.#watchers.publish(events, this.#turns.snapshot);
    if (this.#turns.snapshot.isIdle) this.#draining?.done();
    if (events.length > 0) this.#parts.onDemand?.();
    if (events.length > 0) this.#parts.onEvents?.(events);
  }

  #tellWhatRuns(workerId: string): void {
    const slots = this.#workers.slotsOf(workerId);
    if (slots === null) return;
    this.#watchers.tellWorker({ workerId, slots, running: this.#runningOn(workerId), gone: false });
  }

  #runningOn(workerId: string): readonly TrialProgress[] {
    const { snapshot } = this.#turns;
    const begun = snapshot.heldBy(workerId).filter((lease) => !snapshot.isWaiting(lease));
    return begun.map(({ trialId }) => this.#running.of(trialId));
  }

  /** With its last step done, a last evaluation remains: time to lend its worker the next trial. */
  #reached(lease: LeaseRef, step: number): void {
    const { snapshot } = this.#turns;
    if (!snapshot.isCurrent(lease) || step < this.#running.of(lease.trialId).maxSteps) return;
    if (snapshot.noteEndsSoon(lease)) this.#turns.soon();
  }

  #hear(workerId: string): void {
    if (!this.#workers.heard(workerId) || this.#draining !== null) return;
    this.#turns.snapshot.setAvailable(workerId, true, this.#settledMs());
    this.#lender.lendNoMoreIfSpent(workerId);
    this.#turns.soon();
  }

  /** Of a worker that is there by now: what keeps others of its gang away is over within a lease, or they are lost. */
  #settledMs(): number {
    return this.#parts.clock.nowMs() + this.#parts.leaseMs;
  }

  #tellToDrain(workerId: string, graceMs: number): void {
    this.#turns.snapshot.setAvailable(workerId, false);
    this.#workers.send(workerId, { kind: 'drain', graceMs });
  }

  #bury(workerId: string, failure: Failure): void {
    this.#turns.observe(() => {
      this.#attempts.lose(this.#turns.snapshot.heldBy(workerId), failure);
      this.#turns.snapshot.removeWorker(workerId);
      this.#workers.forget(workerId);
    });
  }
}

/** Where nothing is said of an address or a port, it could not be met by others. */
function placeOf({ devices, address = '', rendezvousPort = 0 }: Hello): Pick<WorkerPlace, 'memory' | 'address'> {
  return { memory: devices.map(({ memoryBytes }) => memoryBytes), address: rendezvousPort > 0 ? address : '' };
}

function newDrain(): { readonly drained: Promise<void>; readonly done: () => void } {
  let done = () => {};
  const drained = new Promise<void>((resolve) => {
    done = resolve;
  });
  return { drained, done };
}

function isOf(trialId: string): (lease: LeaseRef) => boolean {
  return (lease) => lease.trialId === trialId;
}

function replaced(workerId: string): Failure {
  const message = `worker ${workerId} came back as another process`;
  const hint = 'the log of its first process says how that one ended';
  return { code: 'WORKER_EXITED', message, hint, detail: '', kind: 'lost' };
}
