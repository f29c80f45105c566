import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decide } from '../../../orchestrator/core/schedule/schedule.js';
import { smallerNotice } from '../../../orchestrator/core/schedule/smaller-attempts.js';
import { Snapshot, type TrialStanding } from '../../../orchestrator/core/schedule/snapshot.js';
import type { TrialNeed } from '../../../orchestrator/core/schedule/trial-need.js';
import { described, grantedIn, numberOf, placeOf, standingOf, standingsOf } from '../../support/standings.js';
import { resultOf, trialIdOf } from '../../support/trials.js';

/** Nothing expires here. */
const LEASE_MS = Number.MAX_SAFE_INTEGER / 2;
const GIB = 2 ** 30;

const need = (changes: Partial<TrialNeed>): { readonly need: TrialNeed } => ({
  need: { devices: 1, machines: 1, minMachines: changes.machines ?? 1, memoryBytes: 0, ...changes },
});

/** Carries out what is decided, as the control plane does, until nothing is. */
class Lending {
  readonly snapshot = new Snapshot(LEASE_MS);
  #token = 0n;

  /** What is lent, in words. */
  lend(nowMs = 0): readonly string[] {
    const lent: string[] = [];
    for (let round = 0; ; round += 1) {
      assert.ok(round < 100, 'it does not come to an end');
      const decisions = decide(this.snapshot, nowMs);
      if (decisions.length === 0) return lent;
      for (const decision of decisions) {
        if (decision.kind === 'reserve') this.snapshot.reserve(decision.trialId);
        else {
          assert.ok(decision.kind === 'grant', decision.kind);
          const { trialId, others = [] } = decision;
          if (others.length > 0) this.snapshot.gather(trialId, others);
          this.#token += 1n;
          this.snapshot.apply(grantedIn(this.snapshot, decision, this.#token), nowMs);
          lent.push(described(decision));
        }
      }
    }
  }

  submit(trials: readonly TrialStanding[], order = 1, priority = 0): void {
    this.snapshot.addSweep(`${order}`, placeOf(order, { priority }), trials, 0);
  }

  succeed(number: number): void {
    const lease = this.snapshot.running().find(({ trialId }) => trialId === trialIdOf(number));
    assert.ok(lease !== undefined, `${number} does not run`);
    this.snapshot.apply({ kind: 'succeeded', lease, result: resultOf(1) }, 0);
  }

  /** Of a trial that runs. */
  placesOf(number: number, workerId: string): readonly number[] {
    const lease = this.snapshot.running().find(({ trialId }) => trialId === trialIdOf(number));
    return lease === undefined ? [] : this.snapshot.placesOf(lease, workerId);
  }
}

describe('a worker with several devices', () => {
  let lending: Lending;

  beforeEach(() => {
    lending = new Lending();
    lending.snapshot.addWorker('a', 4, 0, 'a', { memory: [0, 0, 0, 0] });
  });

  it('gives each trial devices of its own, and free ones again to the next', () => {
    lending.submit([standingOf(1, need({ devices: 2 })), ...standingsOf(4, 2)]);
    assert.deepEqual(lending.lend(), ['1 to a', '2 to a', '3 to a']);
    assert.deepEqual(lending.placesOf(1, 'a'), [0, 1]);
    assert.deepEqual(
      [2, 3].flatMap((number) => lending.placesOf(number, 'a')),
      [2, 3],
    );
    lending.succeed(1);
    assert.deepEqual(lending.lend(), ['4 to a', '5 to a']);
    assert.deepEqual(
      [4, 5].flatMap((number) => lending.placesOf(number, 'a')),
      [0, 1],
    );
  });

  it('is lent the trial with more devices first, of one sweep, whatever their seeds', () => {
    lending.submit([standingOf(1), standingOf(2, { ...need({ devices: 2 }), seed: 7 }), standingOf(3)]);
    assert.deepEqual(lending.lend(), ['2 to a', '1 to a', '3 to a']);
  });

  it('counts a trial for as many slots as it has devices, where sweeps share them', () => {
    lending.submit(standingsOf(2, 10, need({ devices: 2 })), 1);
    lending.submit(standingsOf(4, 20), 2);
    assert.deepEqual(lending.lend(), ['10 to a', '20 to a', '21 to a']);
  });

  it('lends nothing else while it holds an attempt of a former control plane, whose devices nobody remembers', () => {
    const standing = { ...standingOf(1, { state: 'running' }), attempts: 1, token: 1n, workerId: 'b' };
    lending.snapshot.adopt(standing, 0);
    lending.submit(standingsOf(2, 2));
    lending.snapshot.setAvailable('a', false);
    lending.snapshot.addWorker('b', 2, 0, 'b', { memory: [0, 0] });
    assert.deepEqual(lending.lend(), []);
    lending.succeed(1);
    assert.deepEqual(lending.lend(), ['2 to b', '3 to b']);
  });
});

describe('a device', () => {
  const sharing = (slots: number, ...gibibytes: number[]) => {
    const lending = new Lending();
    lending.snapshot.addWorker('a', slots, 0, 'a', { memory: [24 * GIB] });
    lending.submit(gibibytes.map((each, index) => standingOf(index + 1, need({ memoryBytes: each * GIB }))));
    return lending;
  };

  it('is shared by trials whose peaks fit together with a margin', () => {
    assert.deepEqual(sharing(4, 10, 11).lend(), ['1 to a', '2 to a']);
    assert.deepEqual(sharing(4, 11, 11).lend(), ['1 to a'], 'a tenth more is 24.2');
  });

  it('is shared by no more than its worker has slots for', () => {
    assert.deepEqual(sharing(2, 1, 1, 1).lend(), ['1 to a', '2 to a']);
  });

  it('takes one whose peak nobody knows for an even share', () => {
    assert.deepEqual(sharing(2, 0, 10, 10).lend(), ['1 to a', '2 to a']);
    assert.deepEqual(sharing(2, 0, 11).lend(), ['1 to a']);
    assert.deepEqual(sharing(3, 0, 0, 0).lend(), ['1 to a', '2 to a', '3 to a']);
  });

  it('takes any trial that has it alone: a prediction may be wrong', () => {
    assert.deepEqual(sharing(2, 30, 1).lend(), ['1 to a']);
  });

  it('that is too full for the first takes one behind it, but not for ever', () => {
    const lending = sharing(4, 10, 20, 10, 10, 1);
    assert.deepEqual(lending.lend(), ['1 to a']);
    assert.equal(lending.snapshot.reservedFor, trialIdOf(2));
    lending.succeed(1);
    assert.deepEqual(lending.lend(), ['2 to a', '5 to a']);
  });
});

describe('a gang', () => {
  const address = (name: string) => ({ memory: [0], address: name });
  let lending: Lending;

  beforeEach(() => {
    lending = new Lending();
    for (const name of ['a', 'b', 'c']) lending.snapshot.addWorker(name, 1, 0, name, address(name));
  });

  it('begins on all of its machines at once', () => {
    lending.submit([standingOf(1, need({ machines: 2 })), ...standingsOf(2, 2)]);
    assert.deepEqual(lending.lend(), ['1 to a and b', '2 to c']);
    assert.deepEqual(lending.snapshot.heldBy('b'), lending.snapshot.heldBy('a'));
    lending.succeed(1);
    assert.deepEqual(lending.lend(), ['3 to a']);
  });

  it('whose time came while the last decision was carried out calls for the next one at once', () => {
    lending.snapshot.lendNoGangBefore(100);
    lending.submit([standingOf(1, need({ machines: 2 }))]);
    assert.deepEqual(lending.lend(99), []);
    assert.equal(lending.snapshot.nextWakeMs(), 100); // however late it is by now
    assert.deepEqual(lending.lend(100), ['1 to a and b']);
    assert.equal(lending.snapshot.nextWakeMs(), 100 + LEASE_MS);
  });

  it('takes no worker that the others could not meet', () => {
    lending.snapshot.addWorker('b', 1, 0, 'b');
    lending.submit([standingOf(1, need({ machines: 2 })), standingOf(2)]);
    assert.deepEqual(lending.lend(), ['1 to a and c', '2 to b']);
  });

  it('that waits has the machines kept free on which it can begin soonest, and small trials get the others', () => {
    lending.submit(standingsOf(9, 10), 1);
    assert.deepEqual(lending.lend(), ['10 to a', '11 to b', '12 to c']);
    lending.submit([standingOf(1, need({ machines: 2 }))], 2);
    lending.succeed(12);
    assert.deepEqual(lending.lend(), [], 'c is kept');
    assert.equal(lending.snapshot.reservedFor, trialIdOf(1));
    lending.succeed(11);
    assert.deepEqual(lending.lend(), ['1 to b and c']);
    assert.equal(lending.snapshot.reservedFor, null);
    lending.succeed(10);
    assert.deepEqual(lending.lend(), ['13 to a']);
  });

  it('keeps nothing free where there are not machines enough', () => {
    lending.submit([standingOf(1, need({ machines: 4 })), standingOf(2, need({ devices: 2 })), ...standingsOf(3, 10)]);
    assert.deepEqual(lending.lend(), ['10 to a', '11 to b', '12 to c']);
    assert.equal(lending.snapshot.reservedFor, null);
    assert.deepEqual(
      lending.snapshot.unfit().map(({ message }) => message),
      [
        'a trial of sweep 1 needs 4 machines with 1 device; 3 workers are there, with 1 at most, 3 of them where others could meet them',
        'a trial of sweep 1 needs 2 devices; 3 workers are there, with 1 at most',
      ],
    );
    lending.succeed(10);
    assert.deepEqual(lending.lend(), []);
    lending.snapshot.addWorker('d', 1, 0, 'd', address('d'));
    assert.deepEqual(lending.lend(), []);
    assert.equal(lending.snapshot.reservedFor, trialIdOf(1), 'now there are');
  });

  it('gives its machines up to a sweep of higher priority, and to no other gang', () => {
    lending.submit(standingsOf(9, 10), 1);
    lending.lend();
    lending.submit([standingOf(1, need({ machines: 3 }))], 2);
    lending.submit([standingOf(2, need({ machines: 3 }))], 0);
    lending.succeed(10);
    lending.lend();
    const held = lending.snapshot.reservedFor;
    assert.equal(held, trialIdOf(2), 'the first in order');
    lending.submit([standingOf(3)], 3, 1);
    assert.deepEqual(lending.lend(), ['3 to a']);
    assert.equal(lending.snapshot.reservedFor, held);
    lending.submit([standingOf(4, need({ machines: 2 }))], 4, 1);
    lending.succeed(11);
    lending.lend();
    assert.equal(lending.snapshot.reservedFor, trialIdOf(4));
  });

  it('takes a worker whose host is drained where it could not begin without', () => {
    lending.snapshot.drainHost('c', 'it is bad');
    lending.submit([standingOf(1, need({ machines: 2 })), standingOf(2, { ...need({ machines: 3 }), seed: 1 })]);
    assert.deepEqual(lending.lend(), ['2 to a and b and c']);
    lending.succeed(2);
    assert.deepEqual(lending.lend(), ['1 to a and b']);
  });

  it('holds nothing any more once it is cancelled', () => {
    lending.submit([standingOf(1, need({ machines: 3 })), ...standingsOf(9, 10)]);
    lending.snapshot.setAvailable('c', false);
    assert.deepEqual(lending.lend(), ['10 to a', '11 to b']);
    lending.snapshot.setAvailable('c', true);
    assert.deepEqual(lending.lend(), []);
    lending.snapshot.apply({ kind: 'cancelled', trialId: trialIdOf(1), lease: null }, 0);
    assert.deepEqual(lending.lend(), ['12 to c']);
  });
});

describe('a gang that has begun and may go on with fewer machines', () => {
  const place = (name: string) => ({ memory: [0], address: name });
  /** Of a trial that was lost. */
  const lost = (changes: Partial<TrialNeed>) => ({ ...need(changes), attempts: 1 });
  let lending: Lending;

  beforeEach(() => {
    lending = new Lending();
    for (const name of ['a', 'b']) lending.snapshot.addWorker(name, 1, 0, name, place(name));
  });

  it('goes on with all that there are', () => {
    lending.submit([standingOf(1, lost({ machines: 4, minMachines: 1 })), standingOf(2)]);
    assert.deepEqual(lending.lend(), ['1 to a and b']);
    lending.succeed(1);
    assert.deepEqual(lending.lend(), ['2 to a']);
  });

  it('goes on with no more than it needs, nor with fewer than it allows', () => {
    lending.submit([standingOf(1, lost({ machines: 2, minMachines: 1 }))]);
    assert.deepEqual(lending.lend(), ['1 to a and b']);
    lending.submit([standingOf(2, lost({ machines: 4, minMachines: 3 }))], 2);
    lending.succeed(1);
    assert.deepEqual(lending.lend(), []);
    assert.deepEqual(
      lending.snapshot.unfit().map(({ message }) => message),
      [
        'a trial of sweep 2 needs 3 to 4 machines with 1 device; 2 workers are there, with 1 at most, 2 of them where others could meet them',
      ],
    );
  });

  it('waits for all of them to begin', () => {
    lending.submit([standingOf(1, need({ machines: 3, minMachines: 1 }))]);
    assert.deepEqual(lending.lend(), []);
    assert.equal(lending.snapshot.unfit().length, 1);
    lending.snapshot.addWorker('c', 1, 0, 'c', place('c'));
    assert.deepEqual(lending.lend(), ['1 to a and b and c']);
  });

  it('waits for those that are only busy, which are kept for it', () => {
    lending.submit(standingsOf(9, 10), 1);
    assert.deepEqual(lending.lend(), ['10 to a', '11 to b']);
    lending.submit([standingOf(1, lost({ machines: 3, minMachines: 1 }))], 2);
    lending.succeed(10);
    assert.deepEqual(lending.lend(), [], 'a is kept');
    assert.equal(lending.snapshot.reservedFor, trialIdOf(1));
    lending.succeed(11);
    assert.deepEqual(lending.lend(), ['1 to a and b']);
  });

  it('takes no worker of a distrusted host where the others are enough', () => {
    lending.snapshot.drainHost('b', 'trial after trial died there');
    lending.submit([standingOf(1, lost({ machines: 2, minMachines: 1 }))]);
    assert.deepEqual(lending.lend(), ['1 to a']);
    lending.submit([standingOf(2, lost({ machines: 3, minMachines: 2 }))], 2);
    lending.succeed(1);
    assert.deepEqual(lending.lend(), ['2 to a and b']);
  });

  it('does not stand behind one of its sweep that waits for all of its machines', () => {
    const first = standingOf(1, need({ machines: 3, minMachines: 1 }));
    lending.submit([first, standingOf(2, lost({ machines: 3, minMachines: 2 })), standingOf(3)]);
    assert.deepEqual(lending.lend(), ['2 to a and b']);
  });

  it('waits for more while one may not be the last that comes, and calls for a decision when that is over', () => {
    lending.snapshot.addWorker('b', 1, 0, 'b', { ...place('b'), settledMs: 100 });
    lending.submit([standingOf(1, lost({ machines: 3, minMachines: 1 }))]);
    assert.deepEqual(lending.lend(99), []);
    assert.equal(lending.snapshot.nextWakeMs(), 100);
    lending.snapshot.setAvailable('a', false);
    lending.snapshot.setAvailable('a', true, 150);
    assert.deepEqual(lending.lend(149), []);
    assert.equal(lending.snapshot.nextWakeMs(), 150);
    assert.deepEqual(lending.lend(150), ['1 to a and b']);
    assert.equal(lending.snapshot.nextWakeMs(), 150 + LEASE_MS);
  });

  it('counts for what it got, where sweeps share and where places are asked for workers, and is told of', () => {
    lending.submit([standingOf(1, lost({ machines: 3, minMachines: 2 })), standingOf(2)], 1);
    lending.snapshot.addWorker('c', 4);
    lending.submit(standingsOf(4, 10), 2);
    assert.deepEqual(lending.lend(), ['1 to a and b', '10 to c', '11 to c', '2 to c', '12 to c']);
    assert.deepEqual(
      lending.snapshot
        .smaller()
        .map(smallerNotice)
        .map(({ message }) => message),
      [`trial ${trialIdOf(1)} goes on with 2 of the 3 machines that it asks for`],
    );
    const { needs, ...widest } = lending.snapshot.demandOf('1') ?? {};
    assert.deepEqual(widest, { waiting: 0, running: 2, devices: 1, machines: 2 });
    assert.deepEqual(needs, [
      { devices: 1, machines: 2, trials: 1 },
      { devices: 1, machines: 1, trials: 1 },
    ]);
    lending.succeed(1);
    assert.equal(lending.snapshot.demandOf('1')?.machines, 1);
    assert.deepEqual(lending.snapshot.smaller(), []);
  });
});

describe('a trial that a former control plane lent to fewer machines than it needs', () => {
  it('goes on without waiting for those that it did not get', () => {
    const snapshot = new Snapshot(1_000);
    const lease = { trialId: trialIdOf(1), attempt: 2, token: 5n };
    const running = { state: 'running', attempts: 2, token: 5n, workerId: 'a', machines: 1 } as const;
    snapshot.adopt(standingOf(1, { ...need({ machines: 2, minMachines: 1 }), ...running }), 0);
    for (const name of ['a', 'b']) {
      snapshot.addWorker(name, 1, 0, name, { memory: [0], address: name });
      snapshot.comeBack(lease, name);
    }
    assert.deepEqual([snapshot.membersOf(lease), snapshot.isOfGang(lease)], [['a'], false]);
    assert.ok(snapshot.renew(lease, 999, 'a'));
    assert.deepEqual(decide(snapshot, 1_998), []);
  });
});

describe('a gang that a former control plane lent', () => {
  const WAIT_MS = 1_000;
  const lease = { trialId: trialIdOf(1), attempt: 1, token: 5n };
  let snapshot: Snapshot;

  beforeEach(() => {
    snapshot = new Snapshot(WAIT_MS);
    const running = standingOf(1, {
      state: 'running',
      attempts: 1,
      token: 5n,
      workerId: 'a',
      ...need({ machines: 2 }),
    });
    snapshot.adopt(running, 0);
    for (const name of ['a', 'b', 'c']) snapshot.addWorker(name, 1, 0, name, { memory: [0], address: name });
  });

  const comeBack = (...names: readonly string[]) => {
    for (const name of names) snapshot.comeBack(lease, name);
  };

  it('ends one lease later if one of it does not come back, whoever renews it', () => {
    comeBack('a');
    assert.ok(snapshot.renew(lease, WAIT_MS - 1, 'a'));
    assert.deepEqual(decide(snapshot, WAIT_MS - 1), []);
    const [decision] = decide(snapshot, WAIT_MS);
    assert.ok(decision?.kind === 'requeue');
    assert.match(decision.failure.message, /^worker of its gang that was to come back was not heard of/);
  });

  it('goes on once all of it is back, as long as all renew it', () => {
    comeBack('a', 'c', 'c');
    assert.deepEqual(snapshot.membersOf(lease), ['a', 'c']);
    assert.deepEqual([snapshot.heldBy('b'), snapshot.heldBy('c')], [[], [lease]]);
    for (const name of ['a', 'c']) assert.ok(snapshot.renew(lease, WAIT_MS - 1, name));
    assert.equal(snapshot.renew(lease, WAIT_MS - 1, 'b'), false);
    assert.deepEqual(decide(snapshot, 2 * WAIT_MS - 2), []);
    assert.ok(snapshot.renew(lease, 2 * WAIT_MS - 2, 'a'));
    const [decision] = decide(snapshot, 2 * WAIT_MS - 1);
    assert.ok(decision?.kind === 'requeue');
    assert.equal(decision.workerId, 'c');
  });

  it('takes in nobody who shows another token, and no more than it has', () => {
    snapshot.comeBack({ ...lease, token: 6n }, 'b');
    comeBack('b', 'c');
    assert.deepEqual(snapshot.membersOf(lease), ['a', 'b']);
  });
});

describe('however large trials are, and whatever small ones come', () => {
  const needs = fc.record({
    devices: fc.integer({ min: 1, max: 3 }),
    machines: fc.integer({ min: 1, max: 3 }),
    minMachines: fc.integer({ min: 1, max: 3 }),
    attempts: fc.nat(1),
  });
  type Large = Pick<TrialNeed, 'devices' | 'machines' | 'minMachines'> & { readonly attempts: number };
  const worker = fc.record({ devices: fc.integer({ min: 1, max: 3 }), slots: fc.integer({ min: 1, max: 4 }) });

  /** Devices and slots that are taken of each worker, by what runs. */
  const mustFit = ({ snapshot }: Lending, workers: readonly { devices: number; slots: number }[]) => {
    for (const [index, { devices, slots }] of workers.entries()) {
      const held = snapshot.heldBy(`w-${index}`);
      assert.ok(held.length <= slots);
      const taken = held.map((lease) => ({
        places: snapshot.placesOf(lease, `w-${index}`),
        need: (snapshot.standing(lease.trialId) as TrialStanding).need,
      }));
      for (const { places, need } of taken) {
        assert.equal(places.length, need.devices);
        assert.ok(places.every((place) => place < devices));
        const others = taken.filter(
          (each) => each.places !== places && each.places.some((one) => places.includes(one)),
        );
        assert.ok(need.devices === 1 || others.length === 0, 'it has several devices, and not alone');
      }
    }
  };

  it('each begins before long if there are workers enough for it, with all that it needs or nothing', () => {
    fc.assert(
      fc.property(
        fc.array(worker, { minLength: 1, maxLength: 4 }),
        fc.array(needs, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(30), { minLength: 1, maxLength: 30 }),
        (workers, large, ends) => {
          const lending = new Lending();
          const { snapshot } = lending;
          for (const [index, { devices, slots }] of workers.entries()) {
            const memory = Array.from({ length: devices }, () => 0);
            snapshot.addWorker(`w-${index}`, slots, 0, `h-${index}`, { memory, address: `h-${index}` });
          }
          // Small ones without end: what ends of them is queued again. They were there first, and hold everything.
          lending.submit(standingsOf(40, 1_000), 99);
          lending.lend();
          for (const [index, { attempts, ...each }] of large.entries()) {
            lending.submit([standingOf(index + 1, { ...need(each), attempts })], index + 2);
          }
          const ableFor = (each: Large) => workers.filter(({ devices }) => devices >= each.devices).length;
          const canBegin = (each: Large) =>
            ableFor(each) >= (each.attempts > 0 ? Math.min(each.minMachines, each.machines) : each.machines);
          const mustHaveAll = () => {
            for (const lease of snapshot.running()) {
              const each = large[numberOf(lease.trialId) - 1];
              if (each === undefined) continue;
              assert.equal(snapshot.membersOf(lease).length, Math.min(each.machines, ableFor(each)));
            }
          };
          const waits = () =>
            large.filter(
              (each, index) => canBegin(each) && snapshot.standing(trialIdOf(index + 1))?.state === 'queued',
            );
          // Each needs at most that everything which runs ends once; every other end is that of the oldest.
          const bound = (large.length + 1) * 80;
          for (let round = 0; waits().length > 0; round += 1) {
            assert.ok(round < bound, `${JSON.stringify(waits())} still wait`);
            const running = snapshot.running();
            const chosen = (ends[round % ends.length] as number) % running.length;
            const lease = running[round % 2 === 0 ? 0 : chosen];
            assert.ok(lease !== undefined, 'nothing runs, and yet one waits');
            const isLarge = numberOf(lease.trialId) < 1_000;
            if (isLarge) snapshot.apply({ kind: 'succeeded', lease, result: resultOf(1) }, 0);
            else snapshot.apply({ kind: 'requeued', lease, failure: null, delayMs: 0 }, 0);
            lending.lend();
            mustFit(lending, workers);
            mustHaveAll();
          }
          assert.equal(snapshot.reservedFor, null, 'what can never begin holds nothing');
        },
      ),
      { numRuns: 500 },
    );
  });
});
