import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ControlLoop } from '../../orchestrator/control/control-loop.js';
import { LogStore } from '../../orchestrator/control/log-store.js';
import type { WorkerLink } from '../../orchestrator/control/worker-roster.js';
import { ENGINE_VERSION, type FailureKind, type LeaseRef } from '../../orchestrator/core/domain.js';
import type { Hello, ToWorker } from '../../orchestrator/core/worker-message.js';
import { checkHistory } from '../../orchestrator/journal/check-history.js';
import type { Journal } from '../../orchestrator/journal/journal.js';
import { MemoryJournal } from '../../orchestrator/journal/memory-journal.js';
import { assertEventsGiveRows } from '../journal/journal-contract.js';
import { silent } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { fixedRandom, ManualClock } from '../support/manual-clock.js';
import { partOf } from '../support/parts.js';
import { failureOf, resultOf } from '../support/trials.js';

const LEASE_MS = 30_000;

type Action =
  | {
      readonly kind: 'submit';
      readonly sweep: string;
      readonly trials: readonly number[];
      readonly retryFailed: boolean;
    }
  | { readonly kind: 'cancel'; readonly sweep: string }
  | {
      readonly kind: 'join';
      readonly worker: number;
      readonly slots: number;
      readonly prefetch: number;
      readonly instanceId: string;
      readonly running: readonly number[];
    }
  | { readonly kind: 'leave' | 'exit' | 'renew' | 'drained'; readonly worker: number }
  | { readonly kind: 'finish' | 'measure' | 'progress'; readonly worker: number; readonly lease: number }
  | { readonly kind: 'fail'; readonly worker: number; readonly lease: number; readonly why: FailureKind }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart'; readonly isCrash: boolean };

const worker = fc.nat(2);
const lease = fc.nat(30);
const sweep = fc.constantFrom('a', 'b');
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      sweep,
      trials: fc.uniqueArray(fc.nat(6), { maxLength: 5 }),
      retryFailed: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('cancel' as const), sweep }),
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      worker,
      slots: fc.integer({ min: 1, max: 2 }),
      prefetch: fc.nat(2),
      instanceId: fc.constantFrom('one-life', 'another'),
      running: fc.array(lease, { maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('leave' as const, 'exit' as const, 'renew' as const, 'drained' as const),
      worker,
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constantFrom('finish' as const, 'measure' as const, 'progress' as const),
      worker,
      lease,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      worker,
      lease,
      why: fc.constantFrom('user' as const, 'infrastructure' as const, 'lost' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1_500, LEASE_MS - 1, LEASE_MS) }),
  },
  fc.record({ kind: fc.constant('restart' as const), isCrash: fc.boolean() }),
);

/** The real loop under a manual clock, with workers that do and say anything at any time. */
class World {
  readonly journal = new MemoryJournal();
  readonly #clock = new ManualClock();
  readonly #logs: LogStore;
  readonly #links = new Map<string, WorkerLink>();
  readonly #leases: LeaseRef[] = [];
  readonly fatal: Error[] = [];
  #sequence = 0n;
  #life = { isOver: false };
  #loop: ControlLoop;

  constructor(home: string) {
    this.#logs = new LogStore(home);
    this.#loop = this.#start();
  }

  do(action: Action): void {
    const name = 'worker' in action ? `w-${action.worker}` : '';
    const lease = 'lease' in action ? this.#leases[action.lease % Math.max(1, this.#leases.length)] : undefined;
    switch (action.kind) {
      case 'submit':
        this.#loop.submit(partOf(action.sweep, action.trials, { retryFailed: action.retryFailed, extend: true }));
        return;
      case 'cancel':
        if (this.journal.sweep(action.sweep) !== null) this.#loop.cancel(action.sweep);
        return;
      case 'join':
        this.join(name, { ...action, running: action.running.flatMap((at) => this.#leases[at] ?? []) });
        return;
      case 'leave':
      case 'exit': {
        const link = this.#links.get(name);
        if (action.kind === 'exit') this.#loop.workerExited(name, failureOf('lost', 'WORKER_EXITED'));
        if (link !== undefined) this.#loop.leave(name, link);
        return;
      }
      case 'renew':
        this.#loop.renew(name, this.#leases);
        return;
      case 'wait':
        this.#clock.advance(action.ms);
        return;
      case 'restart':
        if (action.isCrash) this.#life.isOver = true;
        else this.#loop.stop();
        this.#loop = this.#start();
        return;
      case 'drained':
        this.#report(name, { kind: 'drained' });
        return;
    }
    if (lease === undefined) return;
    // All its steps are done.
    const progress = { step: 100, loss: 1, examplesPerSecond: 1, phase: 'evaluate' };
    if (action.kind === 'progress') this.#loop.progress(name, lease, progress);
    else if (action.kind === 'finish') this.#report(name, { kind: 'finished', lease, result: resultOf(0.5) });
    else if (action.kind === 'fail') this.#report(name, { kind: 'failed', lease, failure: failureOf(action.why) });
    else this.#report(name, { kind: 'metrics', lease, training: [{ step: 1, loss: 1 }], evaluations: [] });
  }

  join(
    workerId: string,
    { slots, prefetch, instanceId, running }: Pick<Hello, 'slots' | 'prefetch' | 'instanceId' | 'running'>,
    hear: (message: ToWorker) => void = () => {},
  ): void {
    const link: WorkerLink = {
      send: (message) => {
        if (message.kind === 'assign') this.#leases.push(message.lease);
        hear(message);
      },
      end: () => this.#loop.leave(workerId, link),
    };
    this.#links.set(workerId, link);
    const about = { engineVersion: ENGINE_VERSION, host: 'h', pid: 1, devices: [], versions: {} };
    this.#loop.join({ workerId, instanceId, slots, prefetch, running, ...about }, link);
  }

  /** An honest worker joins; whatever is wanted must come to an end. */
  async settle(): Promise<void> {
    for (const [workerId, link] of this.#links) this.#loop.leave(workerId, link);
    for (const sweep of ['a', 'b']) this.#resubmit(sweep);
    this.join('honest', { slots: 2, prefetch: 1, instanceId: 'only-life', running: [] }, (message) => {
      if (message.kind === 'assign')
        this.#report('honest', { kind: 'finished', lease: message.lease, result: resultOf(1) });
    });
    for (let round = 0; round < 40; round += 1) {
      await turn();
      this.#clock.advance(LEASE_MS / 4);
    }
  }

  #resubmit(sweep: string): void {
    const trials = [...this.journal.trials(sweep)].map(({ trial }) => trial);
    if (this.journal.sweep(sweep) !== null) this.#loop.submit(partOf(sweep, [], { trials, retryFailed: true }));
  }

  #report(workerId: string, report: Parameters<ControlLoop['report']>[2]): void {
    this.#sequence += 1n;
    this.#loop.report(workerId, this.#sequence, report);
  }

  #start(): ControlLoop {
    this.#links.clear();
    const times = { leaseMs: LEASE_MS, renewEveryMs: LEASE_MS / 3 };
    const life = { isOver: false };
    this.#life = life;
    const loop = new ControlLoop({
      home: '/state',
      journal: mortal(this.journal, life),
      logs: this.#logs,
      clock: this.#clock,
      random: fixedRandom,
      logger: silent,
      ...times,
      onFatal: (error) => {
        if (!life.isOver) this.fatal.push(error);
      },
    });
    loop.recover(false);
    return loop;
  }
}

/** A crashed control plane writes nothing any more, though turns and timers of its are still to come. */
function mortal(journal: MemoryJournal, life: { readonly isOver: boolean }): Journal {
  return new Proxy(journal, {
    get(target, name) {
      if (name === 'transaction' && life.isOver) throw new Error('dead');
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('whatever happens in whatever order', () => {
  it('every trial ends at most once, tokens grow, events give rows, and what is wanted gets done', async () => {
    using folder = temporaryFolder();
    const history = fc.array(fc.record({ action, isTurn: fc.nat(3).map((chance) => chance > 0) }), {
      minLength: 40,
      maxLength: 120,
    });
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const world = new World(folder.path);
        for (const { action, isTurn } of steps) {
          world.do(action);
          if (isTurn) await turn();
        }
        await turn();
        await world.settle();
        assert.deepEqual(world.fatal, []);
        assert.deepEqual(checkHistory(world.journal.events()), []);
        assertEventsGiveRows(world.journal);
        for (const { sweep, counts, total } of world.journal.sweeps()) {
          assert.equal(counts.succeeded, total, `${sweep}: ${JSON.stringify(counts)}`);
        }
      }),
      { numRuns: 300 },
    );
  });
});
