/**
 * A worker as the Python agent is one: it holds leases by its own clock, fences itself, numbers its reports and sends
 * again what was not acknowledged. Its training is a matter of time and chance.
 */
import { ENGINE_VERSION, type LeaseRef } from '../../../orchestrator/core/domain.js';
import type { FromWorker, Report, ToWorker } from '../../../orchestrator/core/worker-message.js';
import { failureOf, resultOf } from '../trials.js';
import type { Chance } from './chance.js';
import type { SimulatedClock } from './clock.js';
import { HeldLeases } from './held-leases.js';
import type { SimulatedStream, Weather } from './stream.js';

/** What the worker asks of its world. */
export interface Surroundings {
  readonly clock: SimulatedClock;
  readonly chance: Chance;
  readonly leaseMs: number;
  readonly renewEveryMs: number;
  /** Shares of attempts that end so; the rest succeed. */
  readonly trouble: { user: number; infrastructure: number; lost: number };
  /** `null`: nobody listens. */
  connect(worker: SimulatedWorker): SimulatedStream | null;
  /** A report was acknowledged, and so it must be stored. */
  acknowledged(report: Report): void;
}

export interface WorkerShape {
  readonly slots: number;
  readonly prefetch: number;
  readonly devices: number;
}

const FIRST_BACKOFF_MS = 500;

export class SimulatedWorker {
  readonly workerId: string;
  readonly slots: number;
  readonly prefetch: number;
  readonly devices: number;
  readonly weather: Weather;
  readonly #world: Surroundings;
  #stream: SimulatedStream | null = null;
  #life = 1;
  #isAlive = true;
  #isStopped = false;
  /** Timers and messages that came while it was stopped. */
  #late: (() => void)[] = [];
  readonly #held: HeldLeases;
  #begun = new Set<bigint>();
  /** Those in which another of the gang speaks. */
  readonly #followed = new Set<bigint>();
  #outbox: { readonly sequence: bigint; readonly report: Report }[] = [];
  #sequence = 0n;
  #heardMs = 0;
  #isWelcome = false;
  #isDraining = false;

  constructor(workerId: string, shape: WorkerShape, world: Surroundings) {
    this.workerId = workerId;
    this.slots = shape.slots;
    this.prefetch = shape.prefetch;
    this.devices = shape.devices;
    this.weather = { slownessMs: 20, isBlocked: { toPlane: false, toWorker: false } };
    this.#world = world;
    this.#held = new HeldLeases(world.clock, world.leaseMs);
    this.#connect();
    this.#everyRenewal();
  }

  get stream(): SimulatedStream | null {
    return this.#stream;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** By its own clock, which is the world's: nobody else may begin these. */
  holds(token: bigint): boolean {
    return this.#isAlive && this.#held.isGood(token);
  }

  // What befalls it.

  /** SIGKILL. What it did not get out is gone. */
  die(): void {
    this.#isAlive = false;
    this.#stream?.cut('worker');
    this.#stream = null;
    this.#held.clear();
    this.#begun.clear();
    this.#outbox = [];
    this.#late = [];
  }

  /** Its process is started again, under its name. */
  beBorn(): void {
    if (this.#isAlive) return;
    this.#isAlive = true;
    this.#isStopped = false;
    this.#isDraining = false;
    this.#isWelcome = false;
    this.#life += 1;
    this.#sequence = 0n;
    this.#connect();
    this.#everyRenewal();
  }

  stop(): void {
    this.#isStopped = true;
  }

  goOn(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#expire();
    for (const call of this.#late.splice(0)) call();
  }

  /** SIGTERM: it gives back what it holds and takes nothing more. */
  drain(): void {
    if (!this.#isAlive || this.#isDraining) return;
    this.#isDraining = true;
    this.#begun.clear();
    this.#report({ kind: 'drained' });
  }

  // What it hears.

  hear(said: ToWorker): void {
    this.#whenAwake(() => this.#hear(said));
  }

  #hear(said: ToWorker): void {
    this.#expire();
    this.#heardMs = this.#world.clock.nowMs();
    switch (said.kind) {
      case 'welcome':
        this.#isWelcome = true;
        for (const { sequence, report } of this.#outbox) this.#say({ kind: 'report', sequence, report });
        this.#renew();
        return;
      case 'assign':
        this.#assign(said.lease, said.gang?.rank ?? 0);
        return;
      case 'renewed':
        this.#held.renewed(said.leases);
        return;
      case 'acknowledged':
        for (const sequence of said.sequences) this.#acknowledged(sequence);
        return;
      case 'stale':
      case 'cancel':
        this.#giveUp(said.lease);
        return;
      case 'drain':
        this.drain();
        return;
      case 'refused':
        throw new Error(`worker ${this.workerId} was refused: ${said.message}`);
    }
  }

  overAtWorker(): void {
    this.#whenAwake(() => {
      this.#stream = null;
      this.#isWelcome = false;
      this.#held.disconnected();
      this.#connectLater(FIRST_BACKOFF_MS);
    });
  }

  // What it does by itself.

  #connect(): void {
    const { clock } = this.#world;
    this.#stream = this.#world.connect(this);
    if (this.#stream === null) {
      this.#connectLater(2 * FIRST_BACKOFF_MS);
      return;
    }
    this.#heardMs = clock.nowMs();
    this.#held.helloSent();
    const ended = this.#outbox.flatMap(({ report }) =>
      report.kind === 'finished' || report.kind === 'failed' ? [report.lease] : [],
    );
    const running = [...this.#held.all];
    const tokens = new Set(running.map(({ token }) => token));
    running.push(...ended.filter(({ token }) => !tokens.has(token)));
    this.#stream.say({
      kind: 'hello',
      hello: {
        workerId: this.workerId,
        instanceId: `life-${this.#life}`,
        engineVersion: ENGINE_VERSION,
        host: `host-of-${this.workerId}`,
        pid: this.#life,
        devices: Array.from({ length: this.devices }, () => ({
          kind: 'cpu',
          name: 'core',
          memoryBytes: 0,
          threads: 1,
        })),
        versions: {},
        running,
        slots: this.slots,
        prefetch: this.prefetch,
        address: this.workerId,
        rendezvousPort: 29_500,
      },
    });
  }

  #connectLater(backoffMs: number): void {
    this.#after(this.#world.chance.between(backoffMs / 2, backoffMs), () => {
      if (this.#stream === null) this.#connect();
    });
  }

  #everyRenewal(): void {
    this.#after(this.#world.renewEveryMs, () => {
      this.#expire();
      const silentMs = this.#world.clock.nowMs() - this.#heardMs;
      if (this.#stream !== null && silentMs > this.#world.leaseMs) this.#breakOff();
      this.#renew();
      this.#everyRenewal();
    });
  }

  #renew(): void {
    if (!this.#isWelcome) return;
    this.#held.renewSent();
    this.#say({ kind: 'renew', leases: this.#held.all });
  }

  #assign(lease: LeaseRef, rank: number): void {
    this.#held.hold(lease);
    if (rank > 0) this.#followed.add(lease.token);
    if (this.#isDraining) this.#fail(lease, 'lost', 'WORKER_BUSY');
    else this.#begin();
    this.#renew();
  }

  /** In the order in which leases were granted, as many at once as there are slots. */
  #begin(): void {
    const waiting = this.#held.all.filter(({ token }) => !this.#begun.has(token));
    for (const lease of waiting.toSorted((a, b) => (a.token < b.token ? -1 : 1))) {
      if (this.#running() >= this.slots) return;
      if (this.#isOver(lease)) continue;
      this.#begun.add(lease.token);
      if (this.#followed.has(lease.token)) this.#follow(lease);
      else this.#train(lease);
    }
  }

  /** As one of a gang: until it is told to stop, and with nothing to say but that it failed. */
  #follow(lease: LeaseRef): void {
    const { chance, leaseMs, trouble } = this.#world;
    const isLost = chance.isHit(trouble.lost);
    this.#after(chance.between(0.05, 1.5) * leaseMs, () => {
      this.#expire();
      if (!isLost || !this.#begun.has(lease.token) || !this.#held.has(lease.token)) return;
      this.#fail(lease, 'lost', 'CHILD_KILLED');
      this.#begun.delete(lease.token);
      this.#begin();
    });
  }

  #train(lease: LeaseRef): void {
    const { chance, leaseMs, trouble } = this.#world;
    const lastsMs = chance.between(0.05, 1.5) * leaseMs;
    const goesOn = () => this.#begun.has(lease.token) && this.#held.has(lease.token);
    const when = (share: number, act: () => void) =>
      this.#after(share * lastsMs, () => {
        this.#expire();
        if (goesOn()) act();
      });
    when(0.3, () =>
      this.#report({ kind: 'metrics', lease, training: [{ step: 1, loss: chance.unit() }], evaluations: [] }),
    );
    when(0.5, () => this.#report({ kind: 'checkpoint', lease, step: 50, path: 'step-50' }));
    when(0.9, () =>
      this.#say({ kind: 'progress', lease, progress: { step: 100, loss: 1, examplesPerSecond: 1, phase: 'evaluate' } }),
    );
    when(1, () => {
      const fate = chance.unit();
      if (fate < trouble.user) this.#fail(lease, 'user', 'NON_FINITE_LOSS');
      else if (fate < trouble.user + trouble.infrastructure) this.#fail(lease, 'infrastructure', 'CHILD_CRASHED');
      else if (fate < trouble.user + trouble.infrastructure + trouble.lost) this.#fail(lease, 'lost', 'CHILD_KILLED');
      else this.#report({ kind: 'finished', lease, result: resultOf(chance.unit()) });
      this.#begun.delete(lease.token);
      this.#begin();
    });
  }

  #fail(lease: LeaseRef, kind: Parameters<typeof failureOf>[0], code: string): void {
    this.#report({ kind: 'failed', lease, failure: failureOf(kind, code) });
  }

  #report(report: Report): void {
    this.#sequence += 1n;
    this.#outbox.push({ sequence: this.#sequence, report });
    if (this.#isWelcome) this.#say({ kind: 'report', sequence: this.#sequence, report });
  }

  #acknowledged(sequence: bigint): void {
    const place = this.#outbox.findIndex((each) => each.sequence === sequence);
    const [sent] = place < 0 ? [] : this.#outbox.splice(place, 1);
    if (sent === undefined) return;
    this.#world.acknowledged(sent.report);
    const { report } = sent;
    if (report.kind === 'finished' || report.kind === 'failed') this.#held.drop(report.lease.token);
    if (report.kind === 'drained') this.die();
    else this.#begin();
  }

  #giveUp(lease: LeaseRef): void {
    this.#held.drop(lease.token);
    this.#begun.delete(lease.token);
    // What had not ended when it was taken away has nothing left to say.
    this.#outbox = this.#outbox.filter(({ report }) => report.kind === 'drained' || report.lease.token !== lease.token);
    this.#begin();
  }

  /** Lets go of what its own clock says is over, before it does anything else. */
  #expire(): void {
    for (const lease of this.#held.expire()) {
      // A stream that lives would have brought an answer.
      this.#breakOff();
      // What came of it may still be in time: its token decides.
      if (this.#isOver(lease)) continue;
      this.#giveUp(lease);
      this.#fail(lease, 'lost', 'LEASE_LOST');
    }
  }

  #breakOff(): void {
    const stream = this.#stream;
    stream?.cut('worker');
  }

  #isOver(lease: LeaseRef): boolean {
    return this.#outbox.some(
      ({ report }) => (report.kind === 'finished' || report.kind === 'failed') && report.lease.token === lease.token,
    );
  }

  #running(): number {
    return [...this.#begun].filter((token) => this.#held.has(token)).length;
  }

  #say(said: FromWorker): void {
    this.#stream?.say(said);
  }

  #after(delayMs: number, call: () => void): void {
    const life = this.#life;
    this.#world.clock.after(delayMs, () =>
      this.#whenAwake(() => {
        if (this.#isAlive && this.#life === life) call();
      }),
    );
  }

  #whenAwake(call: () => void): void {
    if (!this.#isAlive) return;
    if (this.#isStopped) this.#late.push(call);
    else call();
  }
}
