import assert from 'node:assert/strict';
import {
  isWorkerId,
  membersOf,
  planeOf,
  prefixOf,
  Slots,
  sizeOf,
} from '../../orchestrator/launchers/ray/worker-ids.js';

const PREFIX = prefixOf(planeOf('0123456789abcdef'), 'aaaaaaaa');

describe('ids of workers on Ray', () => {
  it('are those of the first free slots, each with a life that none had before', () => {
    const slots = new Slots(PREFIX);
    assert.deepEqual(slots.next([], 2, 1), [`${PREFIX}1-1`, `${PREFIX}2-1`]);
    slots.remember(`${PREFIX}1-3`);
    slots.remember(`${PREFIX}1-2`);
    slots.remember(`${PREFIX}2-1`);
    assert.deepEqual(slots.next([`${PREFIX}2-1`], 2, 1), [`${PREFIX}1-4`, `${PREFIX}3-1`]);
  });

  it('of gangs say how many workers there are, and each of those has its own', () => {
    const [gang = ''] = new Slots(PREFIX).next([], 1, 3);
    assert.equal(gang, `${PREFIX}1-1-of-3`);
    assert.equal(sizeOf(gang), 3);
    assert.deepEqual(membersOf(gang), [`${gang}-m1`, `${gang}-m2`, `${gang}-m3`]);
    assert.deepEqual(membersOf(`${PREFIX}1-1`), [`${PREFIX}1-1`]);
    for (const member of membersOf(gang)) assert.match(member, /^[a-z0-9-]{1,63}$/, 'a control plane takes it');
  });

  it('are told from others on the same cluster', () => {
    assert.ok(isWorkerId(`${PREFIX}1-1`));
    assert.ok(!isWorkerId(`${PREFIX}1-1-of-2-m1`), 'a member is not listed by itself');
    assert.ok(!isWorkerId('raysubmit_abc'));
  });
});
