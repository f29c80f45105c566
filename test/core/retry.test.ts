import assert from 'node:assert/strict';
import { isRunAgainOnSubmit, judgeFailure } from '../../orchestrator/core/retry.js';
import { failureOf } from '../support/trials.js';

const spent = (infrastructure: number, lost: number) => ({ infrastructure, lost, crashes: 0 });

describe('a failure', () => {
  it("of the user's own making ends the trial at once", () => {
    assert.deepEqual(judgeFailure(failureOf('user'), spent(0, 0), 0), { kind: 'fail' });
  });

  it('of the infrastructure earns two more attempts, each later than the one before', () => {
    const judge = (times: number, jitter = 0) => judgeFailure(failureOf('infrastructure'), spent(times, 0), jitter);
    assert.deepEqual(judge(0), { kind: 'requeue', delayMs: 1_000 });
    assert.deepEqual(judge(1), { kind: 'requeue', delayMs: 2_000 });
    assert.deepEqual(judge(2), { kind: 'fail' });
    assert.deepEqual(judge(1, 0.5), { kind: 'requeue', delayMs: 2_500 });
  });

  it('of a lost worker earns nine more attempts, at once', () => {
    const judge = (times: number) => judgeFailure(failureOf('lost'), spent(0, times), 0.9);
    for (let times = 0; times < 9; times += 1) assert.deepEqual(judge(times), { kind: 'requeue', delayMs: 0 });
    assert.deepEqual(judge(9), { kind: 'fail' });
  });

  it('of one kind does not use up the budget of another', () => {
    assert.equal(judgeFailure(failureOf('infrastructure'), spent(0, 9), 0).kind, 'requeue');
    assert.equal(judgeFailure(failureOf('lost'), spent(2, 0), 0).kind, 'requeue');
  });
});

describe('a failed trial that is submitted again', () => {
  it('runs again unless its own settings broke it', () => {
    assert.equal(isRunAgainOnSubmit(failureOf('infrastructure'), false), true);
    assert.equal(isRunAgainOnSubmit(failureOf('lost'), false), true);
    assert.equal(isRunAgainOnSubmit(failureOf('user'), false), false);
  });

  it('runs again when that is asked for', () => assert.equal(isRunAgainOnSubmit(failureOf('user'), true), true));
});
