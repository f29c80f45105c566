/** A short run of `npm run fuzz`, always with the same seeds. */
import assert from 'node:assert/strict';
import { fuzzFor } from '../support/fuzz-run.js';

describe('nonsense', () => {
  for (const seed of [1, 2]) {
    it(`of seed ${seed} to both ports leaves the control plane as it was`, async () => {
      const { http, grpc } = await fuzzFor({ seed, rounds: 60 });
      assert.ok(http > 0 && grpc > 0);
    });
  }
});
