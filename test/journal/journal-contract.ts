/** What every journal does, whatever it is made of. */
import assert from 'node:assert/strict';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import { glanceOfResult } from '../../orchestrator/core/records.js';
import { NOTHING_SPENT } from '../../orchestrator/core/schedule/retry.js';
import type { SubmissionPart } from '../../orchestrator/core/sweep/submission.js';
import { DEFAULT_SWEEP_OPTIONS, NO_BUDGET } from '../../orchestrator/core/sweep/sweep-options.js';
import { checkJournal } from '../../orchestrator/journal/check-rows.js';
import { FoldedState } from '../../orchestrator/journal/fold.js';
import type { Journal, Submitted, TrialRecord, Written } from '../../orchestrator/journal/journal.js';
import { withoutBits } from '../../orchestrator/journal/json.js';
import { partOf } from '../support/parts.js';
import { evaluationOf, failureOf, resultOf, trialIdOf, trialOf } from '../support/trials.js';

export interface OpenJournal {
  readonly journal: Journal;
  [Symbol.dispose](): void;
}

/** Writes in one transaction each, at times that grow. */
class Writer {
  readonly journal: Journal;
  #at = 1_000;

  constructor(journal: Journal) {
    this.journal = journal;
  }

  write<T>(call: (journal: Journal, at: number) => T): T {
    this.#at += 1;
    return this.journal.transaction(() => call(this.journal, this.#at));
  }

  /** A whole sweep. */
  submit(sweep: string, numbers: readonly number[], changes: Partial<SubmissionPart> = {}): Submitted {
    return this.part(sweep, numbers, changes) as Submitted;
  }

  part(sweep: string, numbers: readonly number[], changes: Partial<SubmissionPart>): Submitted | null {
    return this.write((journal, at) => journal.submit(partOf(sweep, numbers, changes), at));
  }

  /** `machines`: that it gets, where they are fewer than it asks for. */
  begin(number: number, machines: number | null = null): LeaseRef {
    return this.write((journal, at) => journal.begin(trialIdOf(number), 'w', at, 0, machines)).lease;
  }

  finish(lease: LeaseRef, accuracy = 0.5): Written['outcome'] {
    return this.write((journal, at) => journal.finish(lease, resultOf(accuracy), at)).outcome;
  }

  fail(lease: LeaseRef, kind: Parameters<typeof failureOf>[0]): Written['outcome'] {
    return this.write((journal, at) => journal.fail(lease, failureOf(kind), at)).outcome;
  }

  requeue(lease: LeaseRef, kind: Parameters<typeof failureOf>[0] | null, code = 'INTERNAL'): Written['outcome'] {
    const failure = kind === null ? null : failureOf(kind, code);
    return this.write((journal, at) => journal.requeue(lease, failure, 0, at)).outcome;
  }
}

export function describeJournal(name: string, open: () => OpenJournal): void {
  describe(`a journal: ${name}`, () => {
    let opened: OpenJournal;
    let writer: Writer;
    let journal: Journal;

    beforeEach(() => {
      opened = open();
      journal = opened.journal;
      writer = new Writer(journal);
    });

    afterEach(() => {
      assertEventsGiveRows(journal);
      opened[Symbol.dispose]();
    });

    const stateOf = (number: number) => journal.trial(trialIdOf(number))?.state;

    it('knows nothing at first', () => {
      assert.deepEqual(journal.sweeps(), []);
      assert.equal(journal.sweep('a'), null);
      assert.equal(journal.trial(trialIdOf(1)), null);
      assert.deepEqual([...journal.trials('a')], []);
    });

    it('keeps a sweep in its order, with every setting and source', () => {
      const { done, toRun, failed } = writer.submit('a', [3, 1, 2]);
      assert.deepEqual({ done, toRun, failed }, { done: 0, toRun: 3, failed: 0 });
      assert.deepEqual(
        [...journal.trials('a')].map(({ trial }) => trial),
        [trialOf(3), trialOf(1), trialOf(2)],
      );
      assert.deepEqual(journal.sweep('a')?.counts, { queued: 3, running: 0, succeeded: 0, failed: 0, cancelled: 0 });
    });

    it('gives glances that agree with the records, one object for the settings of a cell', () => {
      writer.submit('a', [3, 1, 2, 4]);
      const [first, second] = [writer.begin(1), writer.begin(3)];
      writer.finish(first, 0.25);
      writer.fail(second, 'user');
      const glances = [...journal.glances('a')];
      const expected = [...journal.trials('a')].map(({ trial, state, attempts, failure, result }) => {
        const { seed, ...cell } = trial.settings;
        const shown = result === null ? null : glanceOfResult(result);
        return { trialId: trial.trialId, cell, seed, state, attempts, failure, result: shown };
      });
      assert.deepEqual(glances, expected);
      assert.deepEqual(new Set(glances.map(({ state }) => state)), new Set(['queued', 'succeeded', 'failed']));
      assert.equal(new Set(glances.map(({ cell }) => cell)).size, 1);
      assert.deepEqual([...journal.glances('none')], []);
    });

    it('takes a sweep in parts, which is not one before the last of them', () => {
      assert.equal(writer.part('a', [1, 2], { last: false }), null);
      assert.equal(journal.sweep('a'), null);
      assert.equal(journal.trial(trialIdOf(1)), null);
      assert.throws(() => writer.part('a', [4], { first: 3 }), { code: 'USAGE' });
      writer.part('a', [1, 2], { last: false }); // its sender starts over
      assert.equal(writer.submit('a', [3, 4, 5], { first: 2 }).toRun, 5);
      assert.deepEqual(
        [...journal.standings('a')].map(({ trialId }) => trialId),
        [1, 2, 3, 4, 5].map(trialIdOf),
      );
    });

    it('refuses a sweep that names a trial twice, and stores nothing of it', () => {
      assert.throws(() => writer.submit('a', [1, 2, 1]), { code: 'USAGE', message: /twice/ });
      assert.equal(journal.trial(trialIdOf(2)), null);
      assert.deepEqual([...journal.events()], []);
    });

    it('finds trials by the beginning of their ids', () => {
      writer.submit('a', [1, 2, 0x11]);
      const prefix = trialIdOf(1).slice(0, -1);
      assert.deepEqual(journal.trialIds(prefix, 10), [trialIdOf(1), trialIdOf(2)]);
      assert.deepEqual(journal.trialIds(prefix, 1), [trialIdOf(1)]);
      assert.deepEqual(journal.trialIds('f', 1), []);
    });

    it('lends attempts under tokens that only grow', () => {
      writer.submit('a', [1, 2]);
      const [first, other] = [writer.begin(1), writer.begin(2)];
      assert.equal(writer.requeue(first, 'lost'), 'accepted');
      const second = writer.begin(1);
      assert.deepEqual([first.attempt, second.attempt], [1, 2]);
      assert.ok(first.token < other.token && other.token < second.token);
    });

    it('lends nothing that is not queued', () => {
      writer.submit('a', [1]);
      writer.begin(1);
      assert.throws(() => writer.begin(1), /is running, not queued/);
      assert.throws(() => writer.begin(9), /is unknown, not queued/);
    });

    it('accepts a result once; the same again is a duplicate, another one stale', () => {
      writer.submit('a', [1]);
      const lease = writer.begin(1);
      assert.equal(writer.finish(lease, 0.5), 'accepted');
      assert.equal(writer.finish(lease, 0.5), 'duplicate');
      assert.equal(writer.finish(lease, 0.6), 'stale');
      assert.equal(writer.fail(lease, 'user'), 'stale');
      assert.equal(journal.trial(trialIdOf(1))?.result?.testAccuracy, 0.5);
      assert.deepEqual(journal.succeeded([trialIdOf(1), trialIdOf(2)]), new Set([trialIdOf(1)]));
    });

    it('refuses everything under an old token', () => {
      writer.submit('a', [1]);
      const old = writer.begin(1);
      writer.requeue(old, 'lost');
      const current = writer.begin(1);
      const measured = { training: [{ step: 1, loss: 1 }], evaluations: [] };
      assert.equal(writer.finish(old), 'stale');
      assert.equal(writer.fail(old, 'user'), 'stale');
      assert.equal(writer.requeue(old, 'lost'), 'stale');
      assert.equal(writer.write((each, at) => each.measure(old, measured, at)).outcome, 'stale');
      assert.equal(writer.write((each, at) => each.checkpoint(old, 1, 'p', at)).outcome, 'stale');
      assert.equal(writer.finish({ ...current, attempt: 1 }), 'stale');
      assert.equal(writer.finish({ ...current, trialId: trialIdOf(9) }), 'stale');
      assert.equal(stateOf(1), 'running');
      assert.deepEqual(journal.measurements(trialIdOf(1)).training, []);
    });

    describe('of a checkpoint in the store', () => {
      const stored = (step: number) => ({
        step,
        path: `step-${step}`,
        files: [{ path: 'state.json', sha256: 'c'.repeat(64), sizeBytes: step }],
      });
      const save = (lease: LeaseRef, { step, path, files }: ReturnType<typeof stored>) =>
        writer.write((each, at) => each.checkpoint(lease, step, path, at, files)).outcome;
      const known = () => journal.storedCheckpoint(trialIdOf(1));

      it('knows the newest, for every later attempt, and forgets none for one that is not stored', () => {
        writer.submit('a', [1]);
        const first = writer.begin(1);
        assert.equal(known(), null);
        assert.equal(save(first, stored(10)), 'accepted');
        assert.equal(save(first, stored(20)), 'accepted');
        writer.requeue(first, 'lost');
        const second = writer.begin(1);
        assert.equal(save(first, stored(30)), 'stale');
        assert.equal(writer.write((each, at) => each.checkpoint(second, 40, 'step-40', at)).outcome, 'accepted');
        assert.deepEqual(known(), stored(20));
        assert.deepEqual(checkJournal(journal), []);
      });

      it('keeps it while a failed trial may go on from it, and forgets it when the trial is done', () => {
        writer.submit('a', [1]);
        const lease = writer.begin(1);
        save(lease, stored(10));
        writer.fail(lease, 'user');
        writer.write((each, at) => each.queueAgain(trialIdOf(1), at));
        assert.deepEqual(known(), stored(10));
        writer.finish(writer.begin(1));
        assert.equal(known(), null);
        assert.deepEqual(checkJournal(journal), []);
      });

      it('forgets it when the trial is cancelled', () => {
        writer.submit('a', [1]);
        save(writer.begin(1), stored(10));
        writer.write((each, at) => each.cancel(trialIdOf(1), at));
        assert.equal(known(), null);
        assert.deepEqual(checkJournal(journal), []);
      });
    });

    it('says what trials read once each, and what came after that', () => {
      writer.submit('a', [1, 2]);
      const sources = journal.sources(0);
      const { model, dataset } = trialOf(1);
      assert.deepEqual(new Set(sources.map(({ source }) => source)), new Set([model, dataset]));
      assert.deepEqual(journal.sources(sources.at(-1)?.place ?? 0), []);
    });

    it('knows a failure again, whether its trial failed for good or went back to the queue', () => {
      writer.submit('a', [1, 2]);
      const [one, two] = [writer.begin(1), writer.begin(2)];
      assert.equal(writer.fail(one, 'user'), 'accepted');
      assert.equal(writer.fail(one, 'user'), 'duplicate');
      assert.equal(writer.requeue(two, 'lost'), 'accepted');
      assert.equal(writer.requeue(two, 'lost'), 'duplicate');
      assert.equal(writer.requeue(two, 'infrastructure'), 'stale');
      const [first] = [...journal.trials('a')];
      assert.equal(first?.failure?.code, 'INTERNAL');
      assert.equal(journal.trial(trialIdOf(2))?.failure?.kind, 'lost');
    });

    it('counts what each kind of failure has cost, and nothing for an attempt given back', () => {
      writer.submit('a', [1]);
      for (const kind of ['lost', 'infrastructure', null, 'lost'] as const) writer.requeue(writer.begin(1), kind);
      const [standing] = [...journal.standings('a')];
      assert.deepEqual(standing?.spent, { infrastructure: 1, lost: 2, crashes: 0 });
      assert.equal(standing?.attempts, 4);
    });

    it('keeps what an attempt measured, each point once, and shows the newest attempt', () => {
      writer.submit('a', [1]);
      const measure = (lease: LeaseRef, loss: number) =>
        writer.write((each, at) => {
          const training = [
            { step: 20, loss },
            { step: 10, loss: Number.NaN },
          ];
          const evaluations = [{ ...evaluationOf(20, 'test'), choiceAccuracy: 0.5 }, evaluationOf(20)];
          return each.measure(lease, { training, evaluations }, at).outcome;
        });
      const first = writer.begin(1);
      assert.equal(measure(first, Number.POSITIVE_INFINITY), 'accepted');
      assert.equal(measure(first, 3), 'accepted');
      assert.deepEqual(journal.measurements(trialIdOf(1)), {
        training: [
          { step: 10, loss: Number.NaN },
          { step: 20, loss: Number.POSITIVE_INFINITY },
        ],
        evaluations: [evaluationOf(20), { ...evaluationOf(20, 'test'), choiceAccuracy: 0.5 }],
      });
      writer.requeue(first, 'lost');
      const second = writer.begin(1);
      assert.deepEqual(journal.measurements(trialIdOf(1)).training, []);
      measure(second, 3);
      writer.finish(second);
      assert.equal(measure(second, 3), 'duplicate');
      assert.deepEqual(journal.measurements(trialIdOf(1)).training[1], { step: 20, loss: 3 });
    });

    it('cancels what waits or runs, and nothing that has ended', () => {
      writer.submit('a', [1, 2, 3]);
      const lease = writer.begin(2);
      writer.finish(writer.begin(3));
      const cancel = (number: number) => writer.write((each, at) => each.cancel(trialIdOf(number), at)).outcome;
      assert.deepEqual([1, 2, 3, 9].map(cancel), ['accepted', 'accepted', 'stale', 'stale']);
      assert.equal(cancel(1), 'duplicate');
      assert.equal(writer.finish(lease), 'stale');
      assert.deepEqual([1, 2, 3].map(stateOf), ['cancelled', 'cancelled', 'succeeded']);
    });

    it('queues again what was cancelled or lost, and leaves what succeeded or failed of itself', () => {
      writer.submit('a', [1, 2, 3, 4]);
      writer.finish(writer.begin(1));
      writer.fail(writer.begin(2), 'user');
      writer.fail(writer.begin(3), 'lost');
      writer.write((each, at) => each.cancel(trialIdOf(4), at));
      const { done, toRun, failed, events } = writer.submit('a', [1, 2, 3, 4]);
      assert.deepEqual({ done, toRun, failed }, { done: 1, toRun: 2, failed: 1 });
      assert.deepEqual(
        events.flatMap((each) => (each.kind === 'queued' ? [each.trialId] : [])),
        [3, 4].map(trialIdOf),
      );
      assert.equal(journal.trial(trialIdOf(3))?.failure?.kind, 'lost');
      assert.equal(writer.submit('a', [1, 2, 3, 4], { retryFailed: true }).failed, 0);
      assert.deepEqual([1, 2, 3, 4].map(stateOf), ['succeeded', 'queued', 'queued', 'queued']);
    });

    it('starts the budgets anew when a trial is queued again', () => {
      writer.submit('a', [1]);
      writer.requeue(writer.begin(1), 'infrastructure', 'CHILD_CRASHED');
      assert.deepEqual([...journal.standings('a')][0]?.spent, { infrastructure: 1, lost: 0, crashes: 1 });
      writer.fail(writer.begin(1), 'infrastructure');
      writer.submit('a', [1]);
      assert.deepEqual([...journal.standings('a')][0]?.spent, NOTHING_SPENT);
    });

    const membersOf = (sweep: string) => [...journal.trials(sweep)].map(({ trial }) => Number(trial.trialId));

    it('refuses another sweep under a name that is taken, says how it differs, and changes nothing', () => {
      writer.submit('a', [1, 2]);
      writer.fail(writer.begin(1), 'lost');
      const before = [...journal.events()];
      writer.part('a', [1, 3], { last: false });
      assert.throws(() => writer.part('a', [4], { first: 2 }), {
        code: 'SWEEP_CHANGED',
        message: 'sweep "a" has other trials: 2 are new (seed 3 and 4), 1 is gone (seed 2)',
      });
      assert.deepEqual([...journal.events()], before);
      assert.deepEqual([stateOf(1), stateOf(3)], ['failed', undefined]);
      assert.deepEqual(membersOf('a'), [1, 2]);
    });

    it('goes on with a sweep whose trials come in another order', () => {
      writer.submit('a', [1, 2]);
      assert.equal(writer.submit('a', [2, 1]).toRun, 2);
      assert.deepEqual(membersOf('a'), [2, 1]);
    });

    it('extends a sweep: what it had keeps its place and is left alone, what is new follows', () => {
      writer.submit('a', [1, 2, 3, 4]);
      writer.finish(writer.begin(1));
      writer.fail(writer.begin(2), 'lost');
      writer.begin(3);
      writer.part('a', [6, 1], { extend: true, last: false });
      const before = [...journal.events()].length;
      const { done, toRun, failed } = writer.submit('a', [5], { extend: true, first: 2 });
      assert.deepEqual({ done, toRun, failed }, { done: 1, toRun: 4, failed: 1 });
      assert.deepEqual(membersOf('a'), [1, 2, 3, 4, 6, 5]);
      assert.deepEqual(
        [...journal.events()].slice(before).flatMap(({ event }) => (event.kind === 'queued' ? [event.trialId] : [])),
        [6, 5].map(trialIdOf),
      );
      assert.deepEqual([1, 2, 3, 4].map(stateOf), ['succeeded', 'failed', 'running', 'queued']);
      assert.deepEqual(
        [...journal.standings('a')].map(({ seed }) => seed),
        [1, 2, 3, 4, 6, 5],
      );
      assert.equal(writer.submit('a', [1, 2, 3, 4, 5, 6]).toRun, 5, 'from then on, that is what it is');
    });

    it('makes a sweep of one that is to be extended and is not there', () => {
      assert.equal(writer.submit('a', [1, 2], { extend: true }).toRun, 2);
      assert.deepEqual(membersOf('a'), [1, 2]);
    });

    it('runs what has a result again when it is asked to, and keeps that result among its events', () => {
      writer.submit('a', [1, 2]);
      const first = writer.begin(1);
      writer.finish(first, 0.5);
      const { toRun, events } = writer.submit('a', [1, 2, 3], { rerun: true, extend: true });
      assert.equal(toRun, 3);
      assert.deepEqual(events, [{ kind: 'queued', trialId: trialIdOf(1) }], 'which was there before');
      assert.equal(journal.trial(trialIdOf(1))?.result, null);
      assert.equal(writer.finish(first, 0.5), 'stale');
      writer.finish(writer.begin(1), 0.75);
      assert.deepEqual(
        [...journal.events()].flatMap(({ event }) => (event.kind === 'succeeded' ? [event.result.testAccuracy] : [])),
        [0.5, 0.75],
      );
      const { attempts, result } = journal.trial(trialIdOf(1)) ?? {};
      assert.deepEqual([attempts, result?.testAccuracy], [2, 0.75]);
    });

    it('queues again whatever has ended, and nothing else', () => {
      writer.submit('a', [1, 2, 3, 4, 5]);
      writer.finish(writer.begin(1));
      writer.fail(writer.begin(2), 'user');
      writer.write((each, at) => each.cancel(trialIdOf(3), at));
      writer.begin(4);
      const again = (number: number) => writer.write((each, at) => each.queueAgain(trialIdOf(number), at)).outcome;
      assert.deepEqual([1, 2, 3, 4, 5, 9].map(again), [
        'accepted',
        'accepted',
        'accepted',
        'stale',
        'duplicate',
        'stale',
      ]);
      assert.deepEqual([1, 2, 3, 4, 5].map(stateOf), ['queued', 'queued', 'queued', 'running', 'queued']);
    });

    it('keeps how a sweep stands: its options, who submitted it, and whether it is paused', () => {
      const budget = { wallHours: 1.5, deviceHours: null, failedTrials: 3 };
      const options = { ...DEFAULT_SWEEP_OPTIONS, priority: -3, weight: 2.5, budget };
      const standing = () => {
        const { declaredAtUnixMs: _, ...rest } = journal.sweep('a')?.standing ?? {};
        return rest;
      };
      writer.submit('a', [1], { options, owner: 'ada' });
      assert.deepEqual(standing(), { state: 'active', reason: '', owner: 'ada', options });
      const event = writer.write((each, at) => each.setSweepState('a', 'paused', 'a person said so', at));
      assert.deepEqual(event, { kind: 'sweep', sweep: 'a', state: 'paused', reason: 'a person said so' });
      assert.equal(journal.sweep('a')?.standing.reason, 'a person said so');
      writer.submit('a', [1]);
      assert.deepEqual(standing(), {
        state: 'active',
        reason: '',
        owner: '',
        options: { ...DEFAULT_SWEEP_OPTIONS, budget: NO_BUDGET },
      });
      assert.throws(
        () => writer.write((each, at) => each.setSweepState('b', 'paused', '', at)),
        /there is no sweep "b"/,
      );
    });

    it('keeps when the comparisons of a sweep were declared, which the same ones again do not change', () => {
      const declaring = (compare: string) => ({ options: { ...DEFAULT_SWEEP_OPTIONS, compare: [compare] } });
      const declaredAt = () => journal.sweep('a')?.standing.declaredAtUnixMs;
      writer.submit('a', [1], declaring('first'));
      const before = declaredAt();
      writer.submit('a', [1, 2], { ...declaring('first'), extend: true });
      assert.equal(declaredAt(), before);
      writer.submit('a', [1, 2], declaring('second'));
      const after = declaredAt();
      assert.ok(before !== undefined && after !== undefined && after > before);
      // What was declared first is forgotten: going back to it is another declaration.
      writer.submit('a', [1, 2], declaring('first'));
      assert.ok((declaredAt() ?? 0) > after);
      assert.deepEqual(journal.sweep('a')?.standing.options.compare, ['first']);
    });

    it('names the sweeps that are active and not finished, the oldest first', () => {
      assert.equal(writer.submit('done', [1]).submission, 1);
      writer.finish(writer.begin(1));
      writer.submit('paused', [2]);
      writer.write((each, at) => each.setSweepState('paused', 'paused', '', at));
      writer.submit('b', [3]);
      writer.submit('a', [1, 4]);
      writer.begin(4);
      assert.deepEqual(
        journal.unfinished().map(({ sweep, submission }) => [sweep, submission]),
        [
          ['b', 3],
          ['a', 4],
        ],
      );
      assert.deepEqual(journal.place('a'), journal.unfinished()[1]);
      assert.equal(journal.place('nothing'), null);
    });

    it('names the paused sweeps of which something runs, the oldest first', () => {
      const pause = (sweep: string) => writer.write((each, at) => each.setSweepState(sweep, 'paused', '', at));
      const names = () => journal.windingDown().map(({ sweep, submission }) => [sweep, submission]);
      writer.submit('waits', [1]);
      writer.submit('b', [2, 3]);
      writer.submit('a', [3]);
      writer.submit('active', [3]);
      const lease = writer.begin(3);
      for (const sweep of ['waits', 'b', 'a']) pause(sweep);
      assert.deepEqual(names(), [
        ['b', 2],
        ['a', 3],
      ]);
      assert.deepEqual(journal.place('b'), journal.windingDown()[0]);
      writer.finish(lease);
      assert.deepEqual(names(), []);
    });

    it('knows which trials of a sweep are wanted elsewhere', () => {
      writer.submit('a', [1, 2, 3, 4]);
      writer.submit('b', [2]);
      writer.submit('c', [3]);
      writer.submit('d', [4]);
      writer.write((each, at) => each.setSweepState('b', 'paused', '', at));
      writer.write((each, at) => each.setSweepState('c', 'cancelled', '', at));
      writer.finish(writer.begin(4));
      assert.deepEqual(journal.wantedElsewhere('a'), new Set([trialIdOf(2)]));
      assert.deepEqual(journal.wantedElsewhere('b'), new Set([trialIdOf(2)]));
      assert.deepEqual(journal.wantedElsewhere('nothing'), new Set());
    });

    it('tells trials that read the same model and dataset from others', () => {
      const other = { ...trialOf(3), model: { ...trialOf(3).model, directory: '/elsewhere' } };
      writer.submit('a', [], { trials: [trialOf(1), trialOf(2), other] });
      const [one, two, three] = [...journal.standings('a')].map(({ kind }) => kind);
      assert.equal(one, two);
      assert.notEqual(one, three);
    });

    it('counts what a sweep has used up since it was made active', () => {
      writer.submit('a', [1, 2, 3]);
      writer.submit('b', [4]);
      const [one, two] = [writer.begin(1), writer.begin(2)]; // at 1,003 and 1,004
      writer.begin(4);
      writer.fail(one, 'user'); // at 1,006: after 3 ms
      assert.deepEqual(journal.spending('a'), {
        firstLentUnixMs: 1_003,
        endedMs: 3,
        running: new Map([[trialIdOf(2), { sinceUnixMs: 1_004, devices: 1 }]]),
        failedTrials: 1,
      });
      writer.write((each, at) => each.setSweepState('a', 'active', '', at)); // at 1,007
      assert.equal(journal.spending('a').running.get(trialIdOf(2))?.sinceUnixMs, 1_007);
      writer.requeue(two, 'lost'); // at 1,008: a millisecond of it counts
      writer.write((each, at) => each.cancel(trialIdOf(3), at)); // which did not run
      assert.deepEqual(journal.spending('a'), {
        firstLentUnixMs: null,
        endedMs: 1,
        running: new Map(),
        failedTrials: 0,
      });
    });

    it('counts the time of an attempt for each of the devices that train it', () => {
      const wide = [1, 2].map((number) => {
        const trial = trialOf(number);
        return { ...trial, run: { ...trial.run, devices: 4, machines: 2 } };
      });
      writer.submit('a', [], { trials: wide });
      const one = writer.begin(1); // at 1,002
      writer.begin(2); // at 1,003
      writer.finish(one); // at 1,004: after 2 ms on 8 devices
      const { endedMs, running } = journal.spending('a');
      assert.equal(endedMs, 16);
      assert.deepEqual(running, new Map([[trialIdOf(2), { sinceUnixMs: 1_003, devices: 8 }]]));
    });

    it('knows with how many machines an attempt goes on that got fewer, and counts those', () => {
      const wide = [1, 2].map((number) => {
        const trial = trialOf(number);
        return { ...trial, run: { ...trial.run, devices: 4, machines: 3, minMachines: 1 } };
      });
      writer.submit('a', [], { trials: wide });
      const machines = () => [...journal.standings('a')].map((standing) => standing.machines);
      writer.requeue(writer.begin(1), 'lost'); // at 1,002 and 1,003: 1 ms on 12 devices
      const one = writer.begin(1, 2); // at 1,004
      writer.begin(2, 1); // at 1,005
      assert.deepEqual(machines(), [2, 1]);
      writer.requeue(one, 'lost'); // at 1,006: 2 ms on 8
      const { endedMs, running } = journal.spending('a');
      assert.equal(endedMs, 12 + 16);
      assert.deepEqual(running, new Map([[trialIdOf(2), { sinceUnixMs: 1_005, devices: 4 }]]));
      assert.deepEqual(
        journal.running().map((standing) => standing.machines),
        [1],
      );
      writer.begin(1);
      assert.deepEqual(machines(), [null, 1]);
      assert.deepEqual(checkJournal(journal), []);
    });

    it('has for each sweep the names that it gave model and dataset, whoever has the same trials under others', () => {
      const named = (model: string, dataset: string, ...numbers: number[]) =>
        numbers.map((number) => trialOf(number, { model, dataset }));
      const namesOf = (sweep: string) =>
        [...journal.trials(sweep)].map(({ trial: { settings } }) => `${settings.model} ${settings.dataset}`);
      writer.submit('a', [], { trials: named('./m', 'd', 1, 2) });
      writer.submit('b', [], { trials: named('../m', 'copy', 2, 3) });
      writer.submit('a', [], { trials: named('x', 'y', 1, 4), extend: true });
      assert.deepEqual(namesOf('a'), ['./m d', './m d', 'x y']);
      assert.deepEqual(namesOf('b'), ['../m copy', '../m copy']);
      assert.deepEqual(
        [...journal.glances('b')].map(({ cell }) => cell.model),
        ['../m', '../m'],
      );
      writer.submit('b', [], { trials: named('./m', 'e', 2, 3) });
      assert.deepEqual(namesOf('b'), ['./m e', './m e']);
      assert.equal(journal.trial(trialIdOf(2))?.trial.settings.model, './m');
    });

    it('takes the newest place of sources for a trial that is submitted again', () => {
      writer.submit('a', [1]);
      const moved = { ...trialOf(1), model: { ...trialOf(1).model, directory: '/elsewhere' } };
      writer.submit('a', [], { trials: [moved] });
      assert.equal(journal.trial(trialIdOf(1))?.trial.model.directory, '/elsewhere');
    });

    it('writes all of a transaction or nothing', () => {
      writer.submit('a', [1]);
      const lease = writer.begin(1);
      const events = [...journal.events()].length;
      assert.throws(
        () =>
          writer.write((each, at) => {
            each.finish(lease, resultOf(1), at);
            throw new Error('after all');
          }),
        /after all/,
      );
      assert.equal(stateOf(1), 'running');
      assert.equal([...journal.events()].length, events);
      assert.deepEqual(
        journal.running().map(({ trialId }) => trialId),
        [trialIdOf(1)],
      );
    });

    it('is not written outside a transaction', () => {
      assert.throws(() => journal.submit(partOf('a', [1]), 1), /within a transaction/);
    });
  });
}

/** The oracle: folding the events gives the rows. */
export function assertEventsGiveRows(journal: Journal): void {
  const folded = FoldedState.of(journal.events());
  assert.deepEqual(
    journal.sweeps().map(({ counts: _, ...row }) => row),
    [...folded.sweeps]
      .sort(([, a], [, b]) => b.submission - a.submission)
      .map(([sweep, { submission: _, trialIds, ...rest }]) => ({ sweep, total: trialIds.length, ...rest })),
  );
  for (const [sweep, { trialIds }] of folded.sweeps) {
    const standings = [...journal.standings(sweep)];
    assert.deepEqual(
      standings.map(({ trialId }) => trialId),
      trialIds,
    );
    for (const { trialId, state, attempts, token, workerId, machines, spent } of standings) {
      const trial = folded.trials.get(trialId);
      assert.deepEqual({ state, attempts, token, workerId, machines, spent }, pick(trial, state, attempts));
    }
  }
  for (const [trialId, trial] of folded.trials) {
    const { trial: _, ...rows } = journal.trial(trialId) as TrialRecord;
    const {
      token: _token,
      workerId: _worker,
      machines: _machines,
      spent: _spent,
      measured,
      checkpoint,
      ...state
    } = trial;
    assert.deepEqual(rows, state);
    assert.deepEqual(journal.storedCheckpoint(trialId), checkpoint);
    const { training, evaluations } = measured.get(trial.attempts) ?? { training: [], evaluations: [] };
    const stored = journal.measurements(trialId);
    assert.deepEqual(
      stored.training,
      [...training].sort((a, b) => a.step - b.step),
    );
    assert.deepEqual(
      stored.evaluations.map(withoutBits),
      [...evaluations].map(withoutBits).sort((a, b) => a.step - b.step || (a.split < b.split ? 1 : -1)),
    );
  }
}

function pick(trial: ReturnType<FoldedState['trials']['get']>, state: string, attempts: number): object {
  assert.ok(trial !== undefined, `no event is about a trial that is ${state} after ${attempts} attempts`);
  return {
    state: trial.state,
    attempts: trial.attempts,
    token: trial.token,
    workerId: trial.workerId,
    machines: trial.machines,
    spent: trial.spent,
  };
}
