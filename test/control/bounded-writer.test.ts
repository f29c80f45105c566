import assert from 'node:assert/strict';
import { BoundedWriter } from '../../orchestrator/control/bounded-writer.js';

/** A peer that takes so many messages before it must be waited for. */
class Peer {
  readonly got: string[] = [];
  #room: number;
  #drain: (() => void) | null = null;

  constructor(room: number) {
    this.#room = room;
  }

  write(message: string): boolean {
    this.got.push(message);
    this.#room -= 1;
    return this.#room > 0;
  }

  once(_event: 'drain', listener: () => void): void {
    this.#drain = listener;
  }

  drain(room: number): void {
    this.#room = room;
    const call = this.#drain;
    this.#drain = null;
    call?.();
  }
}

describe('what is said to a peer', () => {
  let cutOff: number;
  const writerTo = (peer: Peer, limit = 3) =>
    new BoundedWriter<string>(peer, limit, () => {
      cutOff += 1;
    });

  beforeEach(() => {
    cutOff = 0;
  });

  it('is said at once while the peer reads', () => {
    const peer = new Peer(10);
    const writer = writerTo(peer);
    for (const message of ['a', 'b', 'c']) writer.send(message);
    assert.deepEqual(peer.got, ['a', 'b', 'c']);
  });

  it('waits for a peer that does not, and then comes in order', () => {
    const peer = new Peer(1);
    const writer = writerTo(peer);
    for (const message of ['a', 'b', 'c', 'd']) writer.send(message);
    assert.deepEqual(peer.got, ['a']);
    peer.drain(2);
    assert.deepEqual(peer.got, ['a', 'b', 'c']);
    peer.drain(2);
    assert.deepEqual(peer.got, ['a', 'b', 'c', 'd']);
  });

  it('is only the newest of several pieces of news of the same thing', () => {
    const peer = new Peer(1);
    const writer = writerTo(peer);
    writer.send('first');
    for (let step = 1; step <= 1_000; step += 1) writer.send(`step ${step}`, 'progress');
    writer.send('order');
    peer.drain(10);
    assert.deepEqual(peer.got, ['first', 'step 1000', 'order']);
    assert.equal(cutOff, 0);
  });

  it('is cut off, once, when more waits than may', () => {
    const peer = new Peer(1);
    const writer = writerTo(peer);
    for (let order = 0; order < 100; order += 1) writer.send(`order ${order}`);
    assert.equal(cutOff, 1);
    peer.drain(100);
    assert.deepEqual(peer.got, ['order 0']);
  });

  it('tells when the last of it has been handed over', () => {
    const peer = new Peer(1);
    const writer = writerTo(peer);
    let isEmpty = false;
    writer.send('a');
    writer.send('b');
    writer.whenEmpty(() => {
      isEmpty = true;
    });
    assert.equal(isEmpty, false);
    peer.drain(5);
    assert.equal(isEmpty, true);
  });
});
