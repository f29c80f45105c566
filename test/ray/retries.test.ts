import assert from 'node:assert/strict';
import { RayError } from '../../orchestrator/launchers/ray/ray-error.js';
import { failedLookDelayMs, lookDelayMs, withRetries } from '../../orchestrator/launchers/ray/retries.js';

describe('asking a cluster again', () => {
  const failing = (kind: 'unreachable' | 'refused', times: number) => {
    let left = times;
    return async () => {
      left -= 1;
      if (left >= 0) throw new RayError(kind, `${left} left`);
      return 'answered';
    };
  };
  const pauses: number[] = [];
  const pause = async (failures: number) => void pauses.push(failures);

  beforeEach(() => {
    pauses.length = 0;
  });

  it('ends with the answer, and pauses before each try after the first', async () => {
    assert.equal(await withRetries(pause, failing('unreachable', 3)), 'answered');
    assert.deepEqual(pauses, [1, 2, 3]);
  });

  it('ends with what the last try said when there were enough', async () => {
    await assert.rejects(withRetries(pause, failing('unreachable', 9), 2), { message: '7 left' });
  });

  it('is not done where the answer would be the same', async () => {
    await assert.rejects(withRetries(pause, failing('refused', 1)), { kind: 'refused' });
    assert.deepEqual(pauses, []);
  });

  it('looks soon at what is on its way, and then about every second, however long it takes', () => {
    assert.deepEqual([lookDelayMs(1, 0.5), lookDelayMs(2, 0.5)], [200, 300]);
    assert.deepEqual([lookDelayMs(300, 0), lookDelayMs(300, 1)], [750, 1_250]);
  });

  it('that could not be looked at comes less and less often, and of one that does not answer still soon', () => {
    const delays = (isUnreachable: boolean) =>
      [1, 2, 3, 9].map((failures) => failedLookDelayMs(failures, isUnreachable, 0.5));
    assert.deepEqual(delays(true), [2_000, 4_000, 8_000, 10_000]);
    assert.deepEqual(delays(false), [2_000, 4_000, 8_000, 60_000]);
    assert.deepEqual([failedLookDelayMs(9, true, 0), failedLookDelayMs(9, true, 1)], [5_000, 15_000]);
  });
});
