/**
 * A world of one state folder: the real control loop and journal, started again after each death, under a clock that
 * moves when the world says so, with workers, streams and people that chance acts on. What must hold at every moment is
 * asserted at that moment; the checker looks at the whole history afterwards.
 */
import assert from 'node:assert/strict';
import { ControlLoop } from '../../../orchestrator/control/control-loop.js';
import type { LogStore } from '../../../orchestrator/control/log-store.js';
import type { WorkerLink } from '../../../orchestrator/control/worker-roster.js';
import type { RunOptions } from '../../../orchestrator/core/domain.js';
import { SweepError } from '../../../orchestrator/core/errors.js';
import type { SubmissionPart } from '../../../orchestrator/core/sweep/submission.js';
import type { FromWorker } from '../../../orchestrator/core/worker-message.js';
import { describeFinding } from '../../../orchestrator/journal/check-history.js';
import { checkJournal } from '../../../orchestrator/journal/check-rows.js';
import type { Journal } from '../../../orchestrator/journal/journal.js';
import { silent } from '../control-planes.js';
import { partOf } from '../parts.js';
import { failureOf } from '../trials.js';
import { Chance } from './chance.js';
import { SimulatedClock } from './clock.js';
import { Crash, type Life, mortal } from './mortal-journal.js';
import { mayBeSaid, mustBeDurable } from './promises.js';
import { SimulatedStream } from './stream.js';
import { SimulatedWorker, type Surroundings } from './worker.js';

export const LEASE_MS = 30_000;
const SHAPES = [
  { slots: 1, prefetch: 1, devices: 1 },
  { slots: 2, prefetch: 0, devices: 2 },
  { slots: 1, prefetch: 0, devices: 1 },
];
/** What some trials need, by number; the rest need one device. */
const NEEDS: Readonly<Record<number, Partial<RunOptions>>> = {
  3: { devices: 2 },
  5: { machines: 2, minMachines: 2 },
  6: { machines: 2, minMachines: 1 },
};
/** Trials of a sweep come in parts of so many. */
const PART = 2;

export interface WorldOptions {
  readonly seed: number;
  /** Called again after each death of the control plane. */
  readonly openJournal: () => Journal;
  readonly logs: LogStore;
}

export interface Submission {
  readonly sweep: string;
  readonly trials: readonly number[];
  readonly changes: Partial<SubmissionPart>;
}

export class World {
  readonly workers: readonly SimulatedWorker[] = [];
  readonly #openJournal: () => Journal;
  #journal: Journal;
  readonly #logs: LogStore;
  readonly #chance: Chance;
  readonly #clock = new SimulatedClock();
  /** As in `dss sweep`: workers die with the control plane, and the next one takes up what is submitted to it. */
  readonly #isEmbedded: boolean;
  readonly #trouble = { user: 0.06, infrastructure: 0.06, lost: 0.06 };
  #life: Life = newLife();
  #loop: ControlLoop;
  readonly #streams = new Set<SimulatedStream>();
  /** What clients were told is there: trials by number, by sweep. */
  readonly #submitted = new Map<string, readonly number[]>();
  readonly #fatal: SweepError[] = [];
  /** The first promise that was broken in the middle of somebody's turn. */
  #broken: unknown = null;

  constructor({ seed, openJournal, logs }: WorldOptions) {
    this.#openJournal = openJournal;
    this.#journal = openJournal();
    this.#logs = logs;
    this.#chance = new Chance(seed);
    this.#isEmbedded = this.#chance.isHit(0.3);
    this.#loop = this.#start();
    const surroundings: Surroundings = {
      clock: this.#clock,
      chance: this.#chance,
      leaseMs: LEASE_MS,
      renewEveryMs: LEASE_MS / 3,
      trouble: this.#trouble,
      connect: (worker) => this.#connect(worker),
      acknowledged: (report) => mustBeDurable(report, this.#journal),
    };
    this.workers = SHAPES.map((shape, index) => new SimulatedWorker(`w-${index}`, shape, surroundings));
  }

  async pass(ms: number): Promise<void> {
    await this.#clock.pass(ms);
    if (this.#broken !== null) throw this.#broken;
    assert.deepEqual(this.#fatal.map(String), [], 'the control plane gave up');
  }

  // What people do.

  /** In parts; after an error or a crash its sender starts over, as the client does. */
  submit({ sweep, trials, changes }: Submission): void {
    for (let first = 0; first === 0 || first < trials.length; first += PART) {
      const last = first + PART >= trials.length;
      const part = withNeeds({ ...partOf(sweep, trials.slice(first, first + PART), changes), first, last });
      const asked = this.#ask((loop) => loop.sweeps.submit(part));
      if (asked === 'dead') return;
      if (asked !== 'done') {
        this.#mayBeRefused(asked, sweep, trials);
        return;
      }
      if (last) this.#noteSubmitted(sweep, trials, changes.extend ?? false);
    }
  }

  cancel(sweep: string): void {
    this.#ask((loop) => loop.sweeps.cancel(sweep));
  }

  retry(sweep: string, onlyFailed: boolean): void {
    this.#ask((loop) => loop.sweeps.retry(sweep, { onlyFailed }));
  }

  pause(sweep: string): void {
    this.#ask((loop) => loop.sweeps.pause(sweep, 'by a person'));
  }

  resume(sweep: string): void {
    this.#ask((loop) => loop.sweeps.resume(sweep));
  }

  // What befalls the control plane.

  crash(when: 'now' | 'before commit' | 'after commit'): void {
    if (when === 'now') this.#died();
    else this.#life.dies = when;
  }

  /** Ends properly, and another one starts. */
  restart(): void {
    this.#loop.stop();
    this.#died();
  }

  // What befalls workers.

  kill(worker: SimulatedWorker, isSeen: boolean): void {
    if (!worker.isAlive) return;
    worker.die();
    if (!isSeen) return;
    const failure = failureOf('lost', 'WORKER_EXITED');
    this.#clock.after(this.#chance.between(0, 2_000), () => this.#loop.workerExited(worker.workerId, failure));
  }

  /** Everything is mended, and everybody does what is right from now on: then all that is wanted gets done. */
  async heal(): Promise<void> {
    this.#life.dies = null;
    Object.assign(this.#trouble, { user: 0, infrastructure: 0, lost: 0 });
    for (const [index, worker] of this.workers.entries()) {
      worker.goOn();
      worker.weather.slownessMs = 5;
      worker.weather.isBlocked.toPlane = false;
      worker.weather.isBlocked.toWorker = false;
      worker.stream?.heal();
      // One may never come back: what it held has to be taken from it. The others are enough for every trial.
      if (index > 1 && !worker.isAlive && this.#chance.isHit(0.5)) continue;
      // Another process: what was drained or distrusted is not any more.
      worker.die();
      worker.beBorn();
    }
    await this.pass(LEASE_MS);
    for (const { sweep } of this.#journal.sweeps()) {
      this.submit({ sweep, trials: this.#numbersOf(sweep), changes: { retryFailed: true } });
      assert.equal(this.#journal.sweep(sweep)?.standing.state, 'active');
    }
    for (let round = 0; round < 100 && !this.#isDone(); round += 1) await this.pass(LEASE_MS / 2);
    for (const { sweep, counts, total } of this.#journal.sweeps()) {
      assert.equal(counts.succeeded, total, `sweep ${sweep} does not come to its end: ${JSON.stringify(counts)}`);
    }
  }

  end(): void {
    this.#life.isOver = true;
    this.#journal.close();
  }

  check(): void {
    assert.deepEqual(checkJournal(this.#journal).map(describeFinding), []);
    for (const [sweep, numbers] of this.#submitted) {
      const there = new Set(this.#numbersOf(sweep));
      const missing = numbers.filter((number) => !there.has(number));
      assert.deepEqual(missing, [], `of sweep ${sweep}, which was acknowledged, trials are missing`);
    }
  }

  #start(): ControlLoop {
    const life = newLife();
    this.#life = life;
    const loop = new ControlLoop({
      home: '/state',
      journal: mortal(this.#journal, life, () => this.#clock.after(0, () => this.#died(life))),
      logs: this.#logs,
      clock: this.#clock,
      random: this.#chance,
      logger: silent,
      leaseMs: LEASE_MS,
      renewEveryMs: LEASE_MS / 3,
      onFatal: (error) => {
        if (!life.isOver) this.#fatal.push(error);
      },
    });
    loop.recover(!this.#isEmbedded);
    if (!this.#isEmbedded) loop.sweeps.takeUp();
    return loop;
  }

  #died(life = this.#life): void {
    if (this.#life !== life) return; // another one lives by now
    life.isOver = true;
    for (const stream of this.#streams) stream.cut('plane');
    this.#streams.clear();
    if (this.#isEmbedded) for (const worker of this.workers) worker.die();
    this.#journal.close();
    this.#journal = this.#openJournal();
    this.#loop = this.#start();
  }

  #connect(worker: SimulatedWorker): SimulatedStream {
    const [loop, life] = [this.#loop, this.#life];
    const stream: SimulatedStream = new SimulatedStream(this.#clock, this.#chance, worker.weather, {
      hearAtPlane: (said) => {
        if (!life.isOver) hear(loop, worker.workerId, stream, said);
      },
      hearAtWorker: (said) => worker.hear(said),
      mayBeSaid: (message) => this.#noting(() => mayBeSaid(message, life, this.#journal, this.workers)),
      overAtPlane: () => {
        this.#streams.delete(stream);
        if (!life.isOver) loop.leave(worker.workerId, stream);
      },
      overAtWorker: () => worker.overAtWorker(),
    });
    this.#streams.add(stream);
    return stream;
  }

  /** `done`, refused by an error of ours, or `dead`: its sender does not know what became of it. */
  #ask(call: (loop: ControlLoop) => void): 'done' | 'dead' | SweepError {
    try {
      call(this.#loop);
      return this.#life.isOver ? 'dead' : 'done';
    } catch (reason) {
      if (reason instanceof Crash || this.#life.isOver) return 'dead';
      if (!(reason instanceof SweepError) || reason.code === 'INTERNAL') throw reason;
      assert.ok(reason.message !== '' && reason.hint !== '', `${reason.code} says neither why nor what to do`);
      return reason;
    }
  }

  #noteSubmitted(sweep: string, trials: readonly number[], extends_: boolean): void {
    const before = extends_ ? (this.#submitted.get(sweep) ?? []) : [];
    this.#submitted.set(sweep, [...new Set([...before, ...trials])]);
  }

  #numbersOf(sweep: string): readonly number[] {
    return [...this.#journal.trials(sweep)].map(({ trial }) => trial.settings.seed);
  }

  #isDone(): boolean {
    return this.#journal.sweeps().every(({ counts, total }) => counts.succeeded === total);
  }

  /** The control plane calls from its own turn of the event loop: nobody would catch an error there. */
  #noting(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#broken ??= error;
    }
  }

  /** A whole sweep that was honestly sent is refused for being another one, and for nothing else. */
  #mayBeRefused({ code }: SweepError, sweep: string, trials: readonly number[]): void {
    assert.equal(code, 'SWEEP_CHANGED');
    assert.notDeepEqual(new Set(this.#numbersOf(sweep)), new Set(trials), `sweep ${sweep} was refused as it is`);
  }
}

function withNeeds(part: SubmissionPart): SubmissionPart {
  const trials = part.trials.map((trial) => ({ ...trial, run: { ...trial.run, ...NEEDS[trial.settings.seed] } }));
  return { ...part, trials };
}

function newLife(): Life {
  return { isOver: false, dies: null, isWriting: false };
}

/** As a worker's session does. */
function hear(loop: ControlLoop, workerId: string, link: WorkerLink, said: FromWorker): void {
  switch (said.kind) {
    case 'hello':
      loop.join(said.hello, link);
      return;
    case 'renew':
      loop.renew(workerId, said.leases);
      return;
    case 'progress':
      loop.progress(workerId, said.lease, said.progress);
      return;
    case 'report':
      loop.report(workerId, said.sequence, said.report);
      return;
  }
}
