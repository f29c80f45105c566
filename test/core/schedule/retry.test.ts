import assert from 'node:assert/strict';
import {
  isRunAgainOnSubmit,
  judgeFailure,
  NOTHING_SPENT,
  speaksAgainstHost,
  spentAfter,
} from '../../../orchestrator/core/schedule/retry.js';
import { failureOf } from '../../support/trials.js';

const suffered = (infrastructure: number, lost: number) => ({
  spent: { infrastructure, lost, crashes: 0 },
  diedOn: [],
  workerId: 'a',
});

describe('a failure', () => {
  it("of the user's own making ends the trial at once", () => {
    const failure = failureOf('user');
    assert.deepEqual(judgeFailure(failure, suffered(0, 0), 0), { kind: 'fail', failure });
  });

  it('of the infrastructure earns two more attempts, each later than the one before', () => {
    const failure = failureOf('infrastructure');
    const judge = (times: number, jitter = 0) => judgeFailure(failure, suffered(times, 0), jitter);
    assert.deepEqual(judge(0), { kind: 'requeue', delayMs: 1_000 });
    assert.deepEqual(judge(1), { kind: 'requeue', delayMs: 2_000 });
    assert.deepEqual(judge(2), { kind: 'fail', failure });
    assert.deepEqual(judge(1, 0.5), { kind: 'requeue', delayMs: 2_500 });
  });

  it('of a lost worker earns nine more attempts, at once', () => {
    const failure = failureOf('lost');
    const judge = (times: number) => judgeFailure(failure, suffered(0, times), 0.9);
    for (let times = 0; times < 9; times += 1) assert.deepEqual(judge(times), { kind: 'requeue', delayMs: 0 });
    assert.deepEqual(judge(9), { kind: 'fail', failure });
  });

  it('of a machine that was taken back costs nothing, however often, and speaks against nobody', () => {
    const exited = failureOf('preempted', 'WORKER_EXITED');
    const before = { ...suffered(2, 9), diedOn: ['b', 'c'] };
    assert.deepEqual(judgeFailure(exited, before, 0.9), { kind: 'requeue', delayMs: 0 });
    assert.deepEqual(spentAfter(before.spent, exited), before.spent);
    assert.equal(speaksAgainstHost(exited), false);
  });

  it('of one kind does not use up the budget of another', () => {
    assert.equal(judgeFailure(failureOf('infrastructure'), suffered(0, 9), 0).kind, 'requeue');
    assert.equal(judgeFailure(failureOf('lost'), suffered(2, 0), 0).kind, 'requeue');
  });
});

describe('a trial whose process dies', () => {
  const killed = failureOf('lost', 'CHILD_KILLED');
  const judge = (crashes: number, diedOn: readonly string[], failure = killed) =>
    judgeFailure(failure, { spent: { ...NOTHING_SPENT, crashes }, diedOn, workerId: 'c' }, 0);

  it('is quarantined when that has happened on three different workers', () => {
    assert.equal(judge(1, ['a']).kind, 'requeue');
    const verdict = judge(2, ['a', 'b']);
    assert.ok(verdict.kind === 'fail');
    const { code, message, hint, detail, kind } = verdict.failure;
    assert.equal(code, 'TRIAL_QUARANTINED');
    assert.equal(message, 'the process that ran it died on 3 workers (a, b, c), at last so: it was lost');
    assert.match(hint, /dss retry SWEEP --failed/);
    assert.equal(detail, killed.detail);
    assert.equal(kind, 'user', 'so that nobody runs it again without having looked');
  });

  it('is not quarantined for one worker that dies again and again', () => {
    assert.equal(judge(3, ['a', 'a', 'c']).kind, 'requeue');
    assert.equal(judge(3, ['a', 'b', 'b']).kind, 'fail');
  });

  it('is quarantined after three deaths where nobody knows any more on which workers', () => {
    assert.equal(judge(1, []).kind, 'requeue');
    assert.equal(judge(2, []).kind, 'fail');
    assert.equal(judge(2, ['c']).kind, 'requeue');
    assert.equal(judge(2, ['b']).kind, 'fail');
  });

  for (const [what, failure] of [
    ['whose lease ran out', failureOf('lost', 'LEASE_LOST')],
    ['that its worker had no room for', failureOf('lost', 'WORKER_BUSY')],
    ['whose training said nothing any more', failureOf('infrastructure', 'CHILD_HUNG')],
  ] as const) {
    it(`is not to blame for an attempt ${what}`, () => assert.equal(judge(2, ['a', 'b'], failure).kind, 'requeue'));
  }
});

describe('a failed trial that is submitted again', () => {
  it('runs again unless its own settings broke it', () => {
    assert.equal(isRunAgainOnSubmit(failureOf('infrastructure'), false), true);
    assert.equal(isRunAgainOnSubmit(failureOf('lost'), false), true);
    assert.equal(isRunAgainOnSubmit(failureOf('user'), false), false);
  });

  it('runs again when that is asked for', () => assert.equal(isRunAgainOnSubmit(failureOf('user'), true), true));
});
