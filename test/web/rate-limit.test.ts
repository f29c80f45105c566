import assert from 'node:assert/strict';
import { RateLimit } from '../../orchestrator/web/rate-limit.js';

const MOST = 10_000;

/** Two at once, and one a second after that. */
function limited() {
  const clock = { nowMs: 0 };
  return { clock, limit: new RateLimit(2, 1, () => clock.nowMs) };
}

function takes(limit: RateLimit, address: string, times: number): readonly boolean[] {
  return Array.from({ length: times }, () => limit.take(address));
}

const addressOf = (place: number) => `10.0.${place >> 8}.${place & 255}`;

describe('a rate limit', () => {
  it('gives a burst, and then one after the other as time passes', () => {
    const { clock, limit } = limited();
    assert.deepEqual(takes(limit, '10.0.0.1', 3), [true, true, false]);
    assert.equal(limit.has('10.0.0.1'), false);
    clock.nowMs = 1_000;
    assert.equal(limit.has('10.0.0.1'), true);
    assert.deepEqual(takes(limit, '10.0.0.1', 2), [true, false]);
    assert.deepEqual(takes(limit, '10.0.0.2', 1), [true], 'of somebody else');
  });

  describe(`that knows ${MOST.toLocaleString('en')}`, () => {
    const full = () => {
      const { clock, limit } = limited();
      for (let place = 0; place < MOST; place += 1) limit.take(addressOf(place));
      return { clock, limit };
    };

    it('holds all others to one bucket together', () => {
      const { clock, limit } = full();
      assert.deepEqual(takes(limit, '192.0.2.1', 3), [true, true, false]);
      assert.deepEqual(takes(limit, '192.0.2.2', 1), [false]);
      assert.equal(limit.has('192.0.2.3'), false);
      assert.deepEqual(takes(limit, addressOf(0), 2), [true, false], 'one that it knows has its own');
      clock.nowMs = 1_000;
      assert.deepEqual(takes(limit, '192.0.2.2', 2), [true, false]);
    });

    it('takes another for one that has not asked for so long that its bucket is full', () => {
      const { clock, limit } = full();
      clock.nowMs = 1_000;
      assert.equal(limit.take(addressOf(0)), true);
      clock.nowMs = 2_000;
      assert.deepEqual(takes(limit, '192.0.2.1', 3), [true, true, false]);
      assert.deepEqual(takes(limit, '192.0.2.2', 3), [true, true, false], 'and not the others’');
    });
  });

  for (const [what, first, second] of [
    ['IPv6 addresses of one network', '2001:db8:0:7::1', '2001:db8:0:7:ffff:1:2:3'],
    ['those that are written short', '2001:db8::1', '2001:db8::2:0:0:1'],
    ['those of a link, by whatever interface', 'fe80::1%eth0', 'fe80::2%eth1'],
    ['an IPv4 address and the same in IPv6', '192.0.2.1', '::ffff:192.0.2.1'],
  ] as const) {
    it(`takes ${what} for one`, () => {
      const { limit } = limited();
      assert.deepEqual([...takes(limit, first, 2), ...takes(limit, second, 1)], [true, true, false]);
    });
  }

  for (const [what, first, second] of [
    ['IPv6 addresses of two networks', '2001:db8:0:7::1', '2001:db8:0:8::1'],
    ['those that are written short', '2001:db8::1', '2001:db8:0:1::1'],
    ['IPv4 addresses', '192.0.2.1', '192.0.2.2'],
    ['IPv4 addresses in IPv6', '::ffff:192.0.2.1', '::ffff:192.0.2.2'],
  ] as const) {
    it(`tells ${what} apart`, () => {
      const { limit } = limited();
      assert.deepEqual([...takes(limit, first, 2), ...takes(limit, second, 1)], [true, true, true]);
    });
  }
});
