import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { planSpec } from '../../orchestrator/cli/plan/plan-spec.js';
import type { ControlPlane } from '../../orchestrator/control/control-plane.js';
import { filesOf, uploadFiles } from '../../orchestrator/control/store-client.js';
import type { Trial } from '../../orchestrator/core/domain.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { readSweepFile } from '../../orchestrator/sources/read-sweep-file.js';
import { certify, clientTls } from '../support/certificates.js';
import { TestPlane } from '../support/control-planes.js';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';
import { hidden } from '../support/hidden-folder.js';
import { RealAgent } from '../support/real-agent.js';
import { type TinySweep, writeTinySweep } from '../support/tiny-sweep.js';

const SHORT_LEASE = { leaseMs: 6_000, renewEveryMs: 500 } as const;

describe('machines that share no folder', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let agents: RealAgent[];
  beforeEach(() => {
    folder = temporaryFolder();
    agents = [];
  });
  afterEach(async () => {
    for (const agent of agents) agent.signal('SIGKILL');
    await Promise.all(agents.map(({ ended }) => ended));
    folder[Symbol.dispose]();
  });

  const path = (...names: string[]) => join(folder.path, ...names);

  /** Where the submitter keeps what its trial reads. */
  const plannedTrial = async (sweep: TinySweep = {}): Promise<Trial> => {
    cpSync(join(REPOSITORY, 'sweeps/models/dispatch-t5'), path('submitter/model'), { recursive: true });
    cpSync(join(REPOSITORY, 'datasets/dispatch'), path('submitter/datasets/dispatch'), { recursive: true });
    const train = { eval_steps: 100, checkpoint_steps: 20 };
    const file = writeTinySweep(folder.path, {
      methods: ['standard'],
      seeds: [0],
      maxSteps: 200,
      train,
      model: path('submitter/model'),
      ...sweep,
    });
    const { spec, directory } = await readSweepFile(file);
    const plan = await planSpec(spec, directory, {
      home: path('submitter/home'),
      datasets: path('submitter/datasets'),
    });
    const [trial] = plan.trials;
    return trial ?? assert.fail(JSON.stringify(plan.rejected));
  };

  /** On a machine of its own, as far as files go. */
  const elsewhere = (
    name: string,
    { plane, home }: Pick<TestPlane, 'home'> & { readonly plane: Pick<ControlPlane, 'address' | 'joinToken'> },
    more: Readonly<Record<string, string>> = {},
  ): RealAgent => {
    const at = path(name);
    mkdirSync(at);
    const env = { DSS_HOME: join(at, 'home'), DSS_WORKER_CACHE: join(at, 'cache'), HOME: at, ...more };
    const agent = new RealAgent(name, plane, hidden([home, path('submitter')]), env);
    agents.push(agent);
    return agent;
  };

  const resultOf = async (plane: TestPlane, trial: Trial) => {
    await plane.client.submit('tiny', [trial], { retryFailed: false });
    await plane.watched('tiny');
    const record = await plane.client.trial(trial.trialId);
    assert.equal(record.state, 'succeeded', JSON.stringify(record.failure));
    const measured = [];
    for await (const each of plane.client.measurements('tiny')) measured.push(each);
    return { record, measured };
  };

  /** Of the first checkpoint that comes. Nothing may have failed by then. */
  const storedStep = async ({ home, client }: TestPlane, trialId: string): Promise<number> => {
    const journal = openJournalReader(home) ?? assert.fail('no journal');
    try {
      for (;;) {
        const checkpoint = journal.storedCheckpoint(trialId);
        if (checkpoint !== null) return checkpoint.step;
        const { failure } = await client.trial(trialId);
        assert.equal(failure, null, JSON.stringify(failure));
      }
    } finally {
      journal.close();
    }
  };

  it('train what one of them submits, and go on where a lost one stood, to the very same result', async () => {
    const trial = await plannedTrial();
    const local = await TestPlane.start({ home: path('alone') });
    agents.push(new RealAgent('alone', local.plane, [], { DSS_HOME: path('alone') }));
    const expected = await resultOf(local, trial);
    await local[Symbol.asyncDispose]();

    await using test = await TestPlane.start({ home: path('plane'), serves: true, ...SHORT_LEASE });
    const { storeAddress, clientToken } = test.plane;
    const sent = await uploadFiles(filesOf([trial]), { address: storeAddress ?? '', token: clientToken });
    assert.equal(sent.length, filesOf([trial]).length);
    // Nothing lies any more where the trial says, and no worker knows the state folder when it sees it.
    renameSync(path('submitter'), path('submitter-gone'));
    mkdirSync(path('submitter'));
    rmSync(path('plane/id'));

    const done = resultOf(test, trial);
    const first = elsewhere('first', test);
    const step = await storedStep(test, trial.trialId);
    first.signal('SIGKILL');
    await first.ended;
    elsewhere('second', test);
    const { record, measured } = await done;

    assert.equal(record.attempts, 2);
    assert.ok((record.result?.resumedStep ?? 0) >= step, `${record.result?.resumedStep} after ${step}`);
    assert.deepEqual(record.result?.testAccuracy, expected.record.result?.testAccuracy);
    assert.deepEqual(measured, expected.measured, 'each loss and each answer, to the last bit');
    assert.equal(existsSync(join(test.home, 'store/trials', trial.trialId)), false);
    assert.deepEqual(readdirSync(path('submitter')), [], 'nobody looked for a folder of the submitter');
  });

  it('send back by TLS what is kept of a trial, where it would be if it had trained here', async () => {
    const trial = await plannedTrial({ maxSteps: 12, train: { eval_steps: 6, keep: 'best' } });
    mkdirSync(path('plane'));
    await certify(path('plane'));
    await using test = await TestPlane.start({ home: path('plane'), serves: true, alwaysTls: true });
    const { publicAddress, publicStoreAddress, clientToken, joinToken } = test.plane;
    const tls = clientTls(path('plane'));
    await uploadFiles(filesOf([trial]), { address: publicStoreAddress ?? '', token: clientToken, tls });
    renameSync(path('submitter'), path('submitter-gone'));
    mkdirSync(path('submitter'));
    rmSync(path('plane/id'));
    cpSync(path('plane/auth'), path('certificates'), { recursive: true });
    const env = { DSS_TLS_CA: path('certificates/ca.pem') };
    elsewhere('far', { home: test.home, plane: { address: publicAddress ?? '', joinToken } }, env);
    await resultOf(test, trial);
    const kept = join(test.home, 'trials', trial.trialId);
    assert.deepEqual(readdirSync(kept), ['model']);
    assert.ok(readdirSync(join(kept, 'model')).includes('model.safetensors'));
    assert.equal(existsSync(path('far/cache/trials', trial.trialId)), false, 'nothing of it stays there');
  });
});
