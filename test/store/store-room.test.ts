import assert from 'node:assert/strict';
import { SweepError } from '../../orchestrator/core/errors.js';
import { StoreRoom } from '../../orchestrator/store/store-room.js';

const MIB = 1024 ** 2;
const FULL = { code: 'STORE_FULL', message: 'full' };

describe('room for files that are on their way', () => {
  let freeBytes: number;
  let room: StoreRoom;
  beforeEach(() => {
    freeBytes = 10_000 * MIB;
    room = new StoreRoom(
      () => freeBytes,
      () => new SweepError('STORE_FULL', 'full'),
    );
  });

  /** As a file does that is written: what is on the disk is not free any more. */
  const write = (place: { wrote(bytes: number): void }, bytes: number) => {
    freeBytes -= bytes;
    place.wrote(bytes);
  };

  /** How much one file of another caller may have now. */
  const leftForAnother = (): number => {
    let [least, most] = [0, freeBytes];
    while (most - least > 1) {
      const middle = Math.floor((least + most) / 2);
      try {
        room.take(middle, 'another').leave();
        least = middle;
      } catch {
        most = middle;
      }
    }
    return least;
  };

  it('is little for whoever announces much and sends a byte now and then', () => {
    for (let files = 0; files < 16; files += 1) {
      const place = room.take(5_000 * MIB, 'dripping');
      for (let bytes = 0; bytes < 5; bytes += 1) write(place, 1);
    }
    assert.throws(() => room.take(1, 'dripping'), { code: 'STORE_FULL', message: /^16 files of one caller/ });
    assert.ok(leftForAnother() >= 0.75 * (freeBytes - 1), 'as much as if nobody else were there');
  });

  it('is as much again as has come of a file', () => {
    const place = room.take(4_000 * MIB, 'a');
    for (let sent = 0; sent < 1_024; sent += 1) write(place, MIB);
    freeBytes = 2_024 * MIB;
    assert.throws(() => room.take(1_000 * MIB + 1, 'b'), FULL);
    room.take(1_000 * MIB, 'b').leave();
  });

  it('is there again when a file has come, or comes no further', () => {
    const whole = room.take(100 * MIB, 'a');
    write(whole, 64 * MIB);
    write(whole, 36 * MIB);
    whole.leave();
    const broken = room.take(100 * MIB, 'a');
    write(broken, MIB);
    broken.leave();
    assert.equal(leftForAnother(), Math.floor(0.75 * freeBytes));
  });

  it('is refused at once to what would not fit as it was announced', () => {
    assert.throws(() => room.take(freeBytes + 1, 'a'), FULL);
    assert.throws(() => room.take(0.75 * freeBytes + 1, 'a'), { message: /was announced; one caller has 7\.3 GiB/ });
  });

  it('is refused on the way where others have taken it meanwhile', () => {
    const place = room.take(1_000 * MIB, 'a');
    freeBytes = 70 * MIB;
    assert.throws(() => write(place, 64 * MIB), FULL);
    place.leave();
    assert.equal(leftForAnother(), Math.floor(0.75 * freeBytes));
  });

  it('is one caller’s up to three quarters of what there is, however many files it is', () => {
    const places = Array.from({ length: 10 }, () => room.take(1_000 * MIB, 'a'));
    assert.throws(
      () => {
        for (;;) for (const place of places) write(place, 8 * MIB);
      },
      { message: /beside .* that are on their way; one caller has/ },
    );
  });
});
