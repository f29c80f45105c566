/** `dss status SWEEP` beside a control plane that runs: how far each trial is. */
import assert from 'node:assert/strict';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import { TestPlane } from '../support/control-planes.js';
import { runDss } from '../support/dss.js';
import { trialIdOf, trialsOf } from '../support/trials.js';

/** Longer than any test, on any machine: this worker renews nothing. */
const LEASE_MS = 3_600_000;

describe('dss status of a sweep that runs', () => {
  let plane: TestPlane;

  before(async () => {
    plane = await TestPlane.start({ serves: true, leaseMs: LEASE_MS, renewEveryMs: LEASE_MS });
    await plane.client.submit('s', trialsOf(3), { retryFailed: false });
    const worker = plane.worker({ slots: 2 });
    const leases: LeaseRef[] = [(await worker.next('assign')).lease, (await worker.next('assign')).lease];
    const [first] = leases as [LeaseRef];
    worker.say({
      kind: 'progress',
      lease: first,
      progress: { step: 40, loss: Number.NaN, examplesPerSecond: 31.4, phase: 'evaluate' },
    });
    worker.say({ kind: 'renew', leases });
    await worker.next('renewed');
  });

  after(() => plane[Symbol.asyncDispose]());

  const status = async (...more: readonly string[]) => {
    const { code, stdout, stderr } = await runDss(['status', 's', '--home', plane.home, ...more]);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  it('says how far each is, and what it does', async () => {
    const lines = (await status()).split('\n').filter((line) => line.startsWith('00000000 running '));
    assert.deepEqual(lines, [
      '00000000 running tiny cqa gt standard seed 1, attempt 1 · step 40 of 100 · evaluate · loss NaN · 31 examples/s',
      '00000000 running tiny cqa gt standard seed 2, attempt 1 · step 0 of 100 · starting',
    ]);
  });

  it('gives scripts the same, and nothing of what waits', async () => {
    const { trials } = JSON.parse(await status('--json')) as { trials: readonly { id: string; progress: object }[] };
    assert.deepEqual(
      trials.map(({ id, progress }) => [id, progress]),
      [
        [trialIdOf(1), { step: 40, max_steps: 100, loss: null, examples_per_second: 31.4, phase: 'evaluate' }],
        [trialIdOf(2), { step: 0, max_steps: 100, loss: 0, examples_per_second: 0, phase: '' }],
        [trialIdOf(3), null],
      ],
    );
  });
});
