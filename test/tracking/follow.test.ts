import assert from 'node:assert/strict';
import { SweepError } from '../../orchestrator/core/errors.js';
import { type FollowOptions, follow } from '../../orchestrator/tracking/follow.js';

type Outcome = 'ended' | 'goes on' | SweepError;

/** Passes end as told; the last way stays. Time passes only in pauses, which `paused` sees and may end with a stop. */
async function followed(outcomes: readonly Outcome[], changes: Partial<FollowOptions> & { stopAfter?: number } = {}) {
  const stop = new AbortController();
  const said: string[] = [];
  const pauses: number[] = [];
  let passes = 0;
  const result = follow({
    pass: async () => {
      const outcome = outcomes[Math.min(passes, outcomes.length - 1)];
      passes += 1;
      if (outcome instanceof SweepError) throw outcome;
      return { ended: outcome === 'ended' };
    },
    stop: stop.signal,
    untilStopped: false,
    say: (line) => said.push(line),
    nowMs: () => passes * 500,
    pause: async (ms) => {
      pauses.push(ms);
      if (pauses.length === changes.stopAfter) stop.abort();
    },
    ...changes,
  });
  return {
    error: await result.then(
      () => null,
      (reason: SweepError) => reason.code,
    ),
    passes,
    said,
    pauses,
  };
}

const away = new SweepError('UNAVAILABLE', 'MLflow at http://x: connect ECONNREFUSED');

describe('following a sweep', () => {
  it('ends when the sweep has', async () => {
    assert.deepEqual(await followed(['goes on', 'goes on', 'ended']), {
      error: null,
      passes: 3,
      said: [],
      pauses: [5_000, 5_000],
    });
  });

  it('goes on after the end where somebody else says when to stop, with one pass after that', async () => {
    const { error, passes } = await followed(['ended'], { untilStopped: true, stopAfter: 3 });
    assert.deepEqual([error, passes], [null, 4]);
  });

  it('waits out a server that is away, longer each time, and says so once', async () => {
    const { error, said, pauses } = await followed([away, away, away, away, away, away, 'goes on', 'ended']);
    assert.equal(error, null);
    assert.deepEqual(pauses, [4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 5_000]);
    assert.deepEqual(said, [`${away.message}; it is tried again`, 'it works again']);
  });

  it('ends in the failure of the last pass', async () => {
    assert.equal((await followed([away], { stopAfter: 2 })).error, 'UNAVAILABLE');
  });

  for (const code of ['AUTH_INVALID', 'USAGE', 'PACKAGE_MISSING', 'INTERNAL'] as const) {
    it(`does not wait out ${code}`, async () => {
      const { error, passes } = await followed([new SweepError(code, 'no')]);
      assert.deepEqual([error, passes], [code, 1]);
    });
  }

  it('waits for a sweep that is not submitted yet, where it was started with it', async () => {
    const unknown = new SweepError('SWEEP_UNKNOWN', 'there is none');
    assert.equal((await followed([unknown, 'ended'], { untilStopped: true, stopAfter: 2 })).error, null);
    assert.equal((await followed([unknown, 'ended'])).error, 'SWEEP_UNKNOWN');
  });
});
