import assert from 'node:assert/strict';
import { planSpec } from '../../orchestrator/cli/plan/plan-spec.js';
import { describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { readSweepFile } from '../../orchestrator/sources/read-sweep-file.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { isAlive } from '../support/processes.js';
import { RealAgent } from '../support/real-agent.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';
import { resultOf } from '../support/trials.js';
import { until } from '../support/until.js';

describe('a worker that is stopped for longer than its lease', () => {
  it('finds its trial with another when it goes on, ends its training, and changes nothing any more', async () => {
    using folder = temporaryFolder();
    const train = { eval_steps: 5_000, checkpoint_steps: 20 };
    const file = writeTinySweep(folder.path, { methods: ['standard'], seeds: [0], maxSteps: 5_000, train });
    await using test = await TestPlane.start({ leaseMs: 3_000, renewEveryMs: 500 });
    const { spec, directory } = await readSweepFile(file);
    const { trials } = await planSpec(spec, directory, { datasets: DATASETS, home: test.home });
    await test.client.submit('tiny', trials, { retryFailed: false });
    const leave = new AbortController();
    const events = test.client.watch('tiny', leave.signal)[Symbol.asyncIterator]();

    const stopped = new RealAgent('stopped', test.plane);
    try {
      for (;;) {
        const { value, done } = await events.next();
        assert.ok(done !== true, 'the sweep has ended');
        if (value.kind === 'worker' && value.worker.running.some(({ step }) => step > 0)) break;
      }
      const below = stopped.below;
      assert.ok(below.length > 0, 'nothing trains');
      stopped.signal('SIGSTOP');
      const quick = test.worker({ workerId: 'quick' });
      const { lease } = await quick.next('assign');
      assert.equal(lease.attempt, 2);
      await quick.acknowledged(quick.report({ kind: 'finished', lease, result: resultOf(0.125) }));
      stopped.signal('SIGCONT');
      await stopped.says(/was not renewed in time|is ours no more/);
      await until(() => !below.some(isAlive));

      const journal = openJournalReader(test.home);
      const record = journal?.trial(lease.trialId);
      journal?.close();
      assert.deepEqual([record?.state, record?.attempts, record?.result?.testAccuracy], ['succeeded', 2, 0.125]);
      assert.deepEqual(checkDatabase(test.home)?.findings.map(describeFinding), []);
    } finally {
      leave.abort();
      stopped.signal('SIGKILL');
      await stopped.ended;
    }
  });
});
