/** What every journal does, whatever it is made of. */
import assert from 'node:assert/strict';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import { FoldedState } from '../../orchestrator/journal/fold.js';
import type { Journal, Submitted, TrialRecord, Written } from '../../orchestrator/journal/journal.js';
import { withoutBits } from '../../orchestrator/journal/json.js';
import { evaluationOf, failureOf, resultOf, trialIdOf, trialOf, trialsOf } from '../support/trials.js';

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

  submit(sweep: string, numbers: readonly number[], retryFailed = false): Submitted {
    const trials = numbers.map((number) => trialOf(number));
    return this.write((journal, at) => journal.submit({ sweep, first: 0, trials, last: true, retryFailed }, at));
  }

  begin(number: number): LeaseRef {
    return this.write((journal, at) => journal.begin(trialIdOf(number), 'w', at)).lease;
  }

  finish(lease: LeaseRef, accuracy = 0.5): Written['outcome'] {
    return this.write((journal, at) => journal.finish(lease, resultOf(accuracy), at)).outcome;
  }

  fail(lease: LeaseRef, kind: Parameters<typeof failureOf>[0]): Written['outcome'] {
    return this.write((journal, at) => journal.fail(lease, failureOf(kind), at)).outcome;
  }

  requeue(lease: LeaseRef, kind: Parameters<typeof failureOf>[0] | null): Written['outcome'] {
    const failure = kind === null ? null : failureOf(kind);
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

    it('takes a sweep in parts, which is not one before the last of them', () => {
      const part = (first: number, count: number, last: boolean) =>
        writer.write((each, at) =>
          each.submit({ sweep: 'a', first, trials: trialsOf(count, first + 1), last, retryFailed: false }, at),
        );
      part(0, 2, false);
      assert.equal(journal.sweep('a'), null);
      assert.throws(() => part(3, 1, true), { code: 'USAGE' });
      part(0, 2, false); // its sender starts over
      assert.equal(part(2, 3, true).toRun, 5);
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
      assert.deepEqual(standing?.spent, { infrastructure: 1, lost: 2 });
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
      assert.equal(writer.submit('a', [1, 2, 3, 4], true).failed, 0);
      assert.deepEqual([1, 2, 3, 4].map(stateOf), ['succeeded', 'queued', 'queued', 'queued']);
    });

    it('starts the budgets anew when a trial is queued again', () => {
      writer.submit('a', [1]);
      writer.requeue(writer.begin(1), 'infrastructure');
      writer.fail(writer.begin(1), 'infrastructure');
      writer.submit('a', [1]);
      assert.deepEqual([...journal.standings('a')][0]?.spent, { infrastructure: 0, lost: 0 });
    });

    it('changes what a sweep is when its name comes with other trials; results stay with their trials', () => {
      writer.submit('a', [1, 2]);
      writer.finish(writer.begin(1));
      writer.submit('b', [2]);
      assert.equal(writer.submit('a', [3, 1]).done, 1);
      assert.deepEqual(
        [...journal.trials('a')].map(({ trial }) => trial.trialId),
        [trialIdOf(3), trialIdOf(1)],
      );
      assert.deepEqual(
        journal.sweeps().map(({ sweep, total }) => [sweep, total]),
        [
          ['a', 2],
          ['b', 1],
        ],
      );
      assert.equal(stateOf(2), 'queued');
    });

    it('takes the newest place of sources for a trial that is submitted again', () => {
      writer.submit('a', [1]);
      const moved = { ...trialOf(1), model: { ...trialOf(1).model, directory: '/elsewhere' } };
      writer.write((each, at) =>
        each.submit({ sweep: 'a', first: 0, trials: [moved], last: true, retryFailed: false }, at),
      );
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
      const part = { sweep: 'a', first: 0, trials: [trialOf(1)], last: true, retryFailed: false };
      assert.throws(() => journal.submit(part, 1), /within a transaction/);
    });
  });
}

/** The oracle: folding the events gives the rows. */
export function assertEventsGiveRows(journal: Journal): void {
  const folded = FoldedState.of(journal.events());
  assert.deepEqual(
    journal.sweeps().map(({ sweep, submittedAtUnixMs, total }) => ({ sweep, submittedAtUnixMs, total })),
    [...folded.sweeps]
      .sort(([, a], [, b]) => b.submission - a.submission)
      .map(([sweep, { submittedAtUnixMs, trialIds }]) => ({ sweep, submittedAtUnixMs, total: trialIds.length })),
  );
  for (const [sweep, { trialIds }] of folded.sweeps) {
    const standings = [...journal.standings(sweep)];
    assert.deepEqual(
      standings.map(({ trialId }) => trialId),
      trialIds,
    );
    for (const { trialId, state, attempts, token, workerId, spent } of standings) {
      const trial = folded.trials.get(trialId);
      assert.deepEqual({ state, attempts, token, workerId, spent }, pick(trial, state, attempts));
    }
  }
  for (const [trialId, trial] of folded.trials) {
    const { trial: _, ...rows } = journal.trial(trialId) as TrialRecord;
    const { token: _token, workerId: _worker, spent: _spent, measured, ...state } = trial;
    assert.deepEqual(rows, state);
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
    spent: trial.spent,
  };
}
