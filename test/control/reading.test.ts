import assert from 'node:assert/strict';
import type { ServiceError } from '@grpc/grpc-js';
import { credentials } from '@grpc/grpc-js';
import { bearer } from '../../orchestrator/control/tokens.js';
import type { Trial } from '../../orchestrator/core/domain.js';
import { SweepError } from '../../orchestrator/core/errors.js';
import type { TrialRecord } from '../../orchestrator/core/records.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { ClientServiceClient, type TrialsPage } from '../../orchestrator/wire/generated/dss/v1/client.js';
import { TestPlane } from '../support/control-planes.js';
import { partOf } from '../support/parts.js';
import { evaluationOf, failureOf, resultOf, trialIdOf, trialOf, trialsOf } from '../support/trials.js';

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

async function failureOfCall(asked: Promise<unknown>): Promise<SweepError> {
  const reason = await asked.then(
    () => assert.fail('it was answered'),
    (error: unknown) => error,
  );
  return reason instanceof SweepError ? reason : assert.fail(String(reason));
}

/** What the journal itself says. */
function journalOf<T>(home: string, read: (journal: NonNullable<ReturnType<typeof openJournalReader>>) => T): T {
  const journal = openJournalReader(home) ?? assert.fail('there is no journal');
  try {
    return read(journal);
  } finally {
    journal.close();
  }
}

/** Its sources are objects of its own, as many as it has trials. */
function withOwnSources(trial: Trial): Trial {
  const { seed } = trial.settings;
  const choices = Array.from({ length: 2_000 }, (_, index) => `answer ${index} of ${seed}`);
  return { ...trial, dataset: { ...trial.dataset, choices } };
}

describe('what a control plane tells of sweeps and trials', () => {
  let test: TestPlane;
  beforeEach(async () => {
    test = await TestPlane.start();
  });
  afterEach(() => test[Symbol.asyncDispose]());

  const submit = (sweep: string, trials: readonly Trial[]) => test.client.submit(sweep, trials, { retryFailed: false });

  /** The pages as they travel. */
  const pagesOf = async (sweep: string): Promise<readonly TrialsPage[]> => {
    const { address, clientToken } = test.plane;
    const client = new ClientServiceClient(address, credentials.createInsecure());
    try {
      return await all<TrialsPage>(client.trials({ of: { $case: 'sweep', value: sweep } }, bearer(clientToken)));
    } finally {
      client.close();
    }
  };

  it('is what the journal says of them', async () => {
    const worker = test.worker({ slots: 3 });
    await submit('a', trialsOf(6));
    for (const end of ['finished', 'failed', 'runs'] as const) {
      const { lease } = await worker.next('assign');
      const point = { step: 5, loss: 1.5 };
      worker.report({
        kind: 'metrics',
        lease,
        training: [point],
        evaluations: [evaluationOf(5), evaluationOf(5, 'test')],
      });
      if (end === 'finished') worker.report({ kind: 'finished', lease, result: resultOf(0.5) });
      if (end === 'failed') worker.report({ kind: 'failed', lease, failure: failureOf('user') });
    }
    await worker.acknowledged(5n);
    const { client } = test;
    const told = {
      sweeps: await client.list(),
      sweep: await client.sweep('a'),
      trials: await all(client.trials('a')),
      trial: await client.trial(trialIdOf(2)),
      measured: await all(client.measurements('a')),
      found: await client.findTrials('0000', 3),
    };
    const known = journalOf(test.home, (journal) => ({
      sweeps: journal.sweeps(),
      sweep: journal.sweep('a'),
      trials: [...journal.trials('a')],
      trial: journal.trial(trialIdOf(2)),
      measured: [1, 2, 3].map((number) => ({ trialId: trialIdOf(number), ...journal.measurements(trialIdOf(number)) })),
      found: journal.trialIds('0000', 3),
    }));
    assert.deepEqual(told, known);
    assert.deepEqual([...new Set(known.trials.map(({ state }) => state))].sort(), [
      'failed',
      'queued',
      'running',
      'succeeded',
    ]);
  });

  it('comes in pages of which each names the sources of its trials once', async () => {
    await submit('a', trialsOf(1_200));
    const pages = await pagesOf('a');
    assert.deepEqual(
      pages.map(({ models, datasets, trials }) => [models.length, datasets.length, trials.length]),
      [
        [1, 1, 500],
        [1, 1, 500],
        [1, 1, 200],
      ],
    );
    const records = await all(test.client.trials('a'));
    assert.equal(new Set(records.slice(0, 500).map(({ trial }) => trial.dataset)).size, 1);
  });

  it('comes in smaller pages where every trial has sources of its own', async () => {
    const trials = Array.from({ length: 60 }, (_, index) => withOwnSources(trialOf(index + 1)));
    await submit('a', trials);
    const pages = await pagesOf('a');
    assert.ok(pages.length > 3, `${pages.length} pages`);
    const records = await all(test.client.trials('a'));
    assert.deepEqual(
      records.map(({ trial }) => trial.dataset.choices),
      trials.map(({ dataset }) => dataset.choices),
    );
  });

  it('is all of 10,000 trials, in their order', async () => {
    await submit('a', trialsOf(10_000));
    let next = 1;
    for await (const { trial, state } of test.client.trials('a')) {
      assert.deepEqual([trial.trialId, state], [trialIdOf(next), 'queued']);
      next += 1;
    }
    assert.equal(next, 10_001);
    const ids = trialsOf(10_002).map(({ trialId }) => trialId);
    assert.equal((await test.client.standing(ids)).length, 10_000); // of two, nobody has heard
  });

  it('joins what a long trial has measured, which comes in several pages', async () => {
    const worker = test.worker();
    await submit('a', trialsOf(2));
    const { lease } = await worker.next('assign');
    const training = Array.from({ length: 50_000 }, (_, index) => ({ step: index + 1, loss: 1 / (index + 1) }));
    for (let from = 0; from < training.length; from += 10_000) {
      worker.report({ kind: 'metrics', lease, training: training.slice(from, from + 10_000), evaluations: [] });
    }
    worker.report({ kind: 'metrics', lease, training: [], evaluations: [evaluationOf(7)] });
    await worker.acknowledged(6n);
    assert.deepEqual(await all(test.client.measurements('a')), [
      { trialId: trialIdOf(1), training, evaluations: [evaluationOf(7)] },
    ]);
  });

  it('is a list of more sweeps than one answer takes, the newest first', async () => {
    await test[Symbol.asyncDispose]();
    test = await TestPlane.start({
      openJournal: (home) => {
        const journal = openJournal(home);
        journal.transaction(() => {
          for (let at = 1; at <= 1_001; at += 1) journal.submit(partOf(`s${at}`, [1]), at);
        });
        return journal;
      },
    });
    const sweeps = await test.client.list();
    assert.deepEqual([sweeps.length, sweeps[0]?.sweep, sweeps.at(-1)?.sweep], [1_001, 's1001', 's1']);
  });

  it('says who submitted a sweep and why it is paused', async () => {
    await submit('a', trialsOf(1));
    await test.client.pause('a');
    const record = await test.client.sweep('a');
    assert.deepEqual(
      [record?.standing.state, record?.standing.reason, record?.standing.owner],
      ['paused', 'by hand', ''],
    );
  });

  it('names itself and the workers', async () => {
    await test[Symbol.asyncDispose]();
    test = await TestPlane.start({ version: '1.2.3' });
    await test.worker({ slots: 4 }).next('welcome');
    const { version, home, workers } = await test.client.info();
    assert.deepEqual([version, home], ['1.2.3', test.home]);
    const standing = { workerId: 'scripted-1', host: 'here', slots: 4, lent: 0, state: 'idle', reason: '' };
    assert.deepEqual(workers, [{ ...standing, devices: ['a core'], load: null, running: [] }]);
  });

  const UNKNOWN: readonly [what: string, ask: () => Promise<unknown>, code: string, message: RegExp][] = [
    ['the trials of a sweep', () => all(test.client.trials('none')), 'SWEEP_UNKNOWN', /there is no sweep "none"/],
    ['what a sweep measured', () => all(test.client.measurements('none')), 'SWEEP_UNKNOWN', /there is no sweep "none"/],
    ['a trial', () => test.client.trial('a'.repeat(20)), 'TRIAL_UNKNOWN', /there is no trial aaaa/],
    ['a log', () => all(test.client.logs('a'.repeat(20), { follow: true })), 'TRIAL_UNKNOWN', /there is no trial aaaa/],
  ];
  for (const [what, ask, code, message] of UNKNOWN) {
    it(`says that nobody submitted it: ${what}`, async () => {
      const error = await failureOfCall(ask());
      assert.equal(error.code, code);
      assert.match(error.message, message);
    });
  }

  it('is nothing of a sweep that is not there, where it is asked for by name', async () => {
    assert.equal(await test.client.sweep('none'), null);
  });

  it('is not asked for more trials at once than it reads together', async () => {
    const { address, clientToken } = test.plane;
    const client = new ClientServiceClient(address, credentials.createInsecure());
    const trialIds = Array.from({ length: 1_001 }, (_, index) => trialIdOf(index));
    const error = await new Promise<ServiceError | null>((resolve) =>
      client.standing({ trialIds }, bearer(clientToken), resolve),
    );
    client.close();
    assert.match(error?.details ?? '', /1001 trials in one call, expected at most 1000/);
  });

  it('stops being read when the one who asked has seen enough', async () => {
    await submit('a', trialsOf(3_000));
    const seen: TrialRecord[] = [];
    for await (const record of test.client.trials('a')) {
      seen.push(record);
      if (seen.length === 10) break;
    }
    assert.equal(seen.length, 10);
    assert.equal((await test.client.list()).length, 1); // it answers as before
  });
});
