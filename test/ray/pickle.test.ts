import assert from 'node:assert/strict';
import { errorOfPickle, scanPickle, textOfPickle } from '../../orchestrator/launchers/ray/client/pickle-scan.js';
import { GOLDEN_PICKLES } from './support/golden-pickles.js';

describe('pickles that we write', () => {
  for (const { what, bytes, hex } of GOLDEN_PICKLES) {
    it(`hold ${what}, byte for byte`, () => assert.equal(bytes.toString('hex'), hex));
  }
});

describe('pickles that are read', () => {
  const nonsense: readonly (readonly [string, Buffer])[] = [
    ['nothing', Buffer.alloc(0)],
    ['no pickle', Buffer.from('<html>')],
    ['a text that ends too early', Buffer.from([0x80, 4, 0x58, 255, 255, 255, 255, 0x61])],
    ['no end', Buffer.from([0x80, 4, 0x4e])],
    ['an opcode that there is none of', Buffer.from([0x80, 4, 0xff, 0x2e])],
  ];
  for (const [what, bytes] of nonsense) {
    it(`are refused when they are ${what}`, () => {
      assert.equal(scanPickle(bytes), null);
      assert.equal(textOfPickle(bytes), null);
      assert.equal(errorOfPickle(bytes).name, 'unknown error');
    });
  }
});
