import assert from 'node:assert/strict';
import { backoffMs } from '../../../orchestrator/launchers/kubernetes/backoff.js';
import { RequestRate } from '../../../orchestrator/launchers/kubernetes/request-rate.js';

describe('the rate of requests', () => {
  let nowMs: number;
  let rate: RequestRate;
  beforeEach(() => {
    nowMs = 0;
    const sleep = (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    };
    rate = new RequestRate({ perSecond: 5, burst: 3, nowMs: () => nowMs, sleep });
  });

  const send = async (count: number) => {
    for (let sent = 0; sent < count; sent++) await rate.turn();
  };

  it('lets some go at once', async () => {
    await send(3);
    assert.equal(nowMs, 0);
  });

  it('is kept from then on', async () => {
    await send(3 + 10);
    assert.equal(nowMs, 2_000);
  });

  it('saves up no more than that', async () => {
    nowMs = 60_000;
    await send(4);
    assert.equal(nowMs, 60_200);
  });

  it('is nothing while the server asks for quiet', async () => {
    rate.quiet(7_000);
    await send(1);
    assert.equal(nowMs, 7_000);
  });
});

describe('the wait after failures', () => {
  it('doubles up to a minute', () => {
    assert.deepEqual(
      [1, 2, 3, 7, 50].map((failures) => backoffMs(failures, 1)),
      [1_000, 2_000, 4_000, 60_000, 60_000],
    );
  });
  it('is cut by chance to half at most', () => assert.equal(backoffMs(2, 0), 1_000));
});
