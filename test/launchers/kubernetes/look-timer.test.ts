import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { LookTimer, type NextLook } from '../../../orchestrator/launchers/kubernetes/look-timer.js';

const HOUR_MS = 3_600_000;

describe('a timer of looks', () => {
  let nowMs: number;
  let next: NextLook;
  /** When each look began. */
  let looks: number[];
  let ends: (() => void)[];
  let timer: LookTimer;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    [nowMs, looks, ends] = [0, [], []];
    next = { inMs: HOUR_MS, mayBeSooner: true };
    const look = async () => {
      looks.push(nowMs);
      await new Promise<void>((resolve) => ends.push(resolve));
      return next;
    };
    timer = new LookTimer(look, () => nowMs);
  });

  afterEach(() => mock.timers.reset());

  const pass = async (ms: number) => {
    nowMs += ms;
    mock.timers.tick(ms);
    await settled();
  };
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  const end = async () => {
    ends.shift()?.();
    await settled();
  };

  it('looks at once for whoever asks, and again after as long as the look says', async () => {
    const asked = timer.now();
    await end();
    await asked;
    await pass(HOUR_MS - 1);
    assert.deepEqual(looks, [0]);
    await pass(1);
    assert.deepEqual(looks, [0, HOUR_MS]);
  });

  it('looks once more for all who ask during a look', async () => {
    const asked = [timer.now(), timer.now(), timer.now()];
    await end();
    assert.equal(looks.length, 2);
    await end();
    await Promise.all(asked);
    assert.equal(looks.length, 2);
  });

  it('looks a second after a hint, however many follow it', async () => {
    timer.in(HOUR_MS);
    for (let hint = 0; hint < 4; hint += 1) {
      timer.soon();
      await pass(300);
    }
    assert.deepEqual(looks, [1_200]);
  });

  it('does not wait for longer because of a hint', async () => {
    timer.in(200);
    timer.soon();
    await pass(200);
    assert.deepEqual(looks, [200]);
  });

  it('looks again soon for what has changed during a look', async () => {
    void timer.now();
    timer.soon();
    await end();
    await pass(1_000);
    assert.deepEqual(looks, [0, 1_000]);
  });

  it('keeps quiet for as long as the look says, though something has changed', async () => {
    next = { inMs: 30_000, mayBeSooner: false };
    void timer.now();
    timer.soon();
    await end();
    await pass(29_999);
    assert.deepEqual(looks, [0]);
  });

  it('keeps quiet for as long as the look says, whatever changes after it and whoever asks during it and after it', async () => {
    next = { inMs: 30_000, mayBeSooner: false };
    const asked = [timer.now(), timer.now()];
    await end();
    await Promise.all(asked);
    for (let second = 1; second < 30; second += 1) {
      timer.soon();
      await timer.now();
      await pass(1_000);
    }
    assert.deepEqual(looks, [0]);
    next = { inMs: HOUR_MS, mayBeSooner: true };
    await pass(1_000);
    await end();
    assert.deepEqual(looks, [0, 30_000]);
    void timer.now();
    assert.deepEqual(looks, [0, 30_000, 30_000], 'the quiet is over');
    await end();
  });

  it('looks when the quiet is over, also where its timer is a moment early', async () => {
    next = { inMs: 30_000, mayBeSooner: false };
    void timer.now();
    await end();
    nowMs += 29_999;
    mock.timers.tick(30_000);
    await settled();
    assert.deepEqual(looks, [0, 29_999]);
    await end();
  });

  it('never looks once it is closed, and closes after the look that goes on', async () => {
    void timer.now();
    let isClosed = false;
    const closing = timer.close().then(() => {
      isClosed = true;
    });
    await settled();
    assert.equal(isClosed, false);
    await end();
    await closing;
    await timer.now();
    await pass(HOUR_MS);
    assert.deepEqual(looks, [0]);
  });
});
