import assert from 'node:assert/strict';
import { z } from 'zod';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import type { Trial } from '../../orchestrator/core/domain.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { foldCells } from '../../orchestrator/reports/cells.js';
import { compareCells } from '../../orchestrator/reports/comparisons.js';
import { temporaryFolder } from '../support/dss.js';
import { EventReader } from '../support/event-reader.js';
import { gridTrials } from '../support/grid-trials.js';
import { evaluationOf, failureOf, resultOf, trialIdOf, trialsOf } from '../support/trials.js';
import { TestWeb } from '../support/web-page.js';

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly schema: { readonly pattern: string } }[];
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

const AGAIN = { retryFailed: false };

/** With every field that it has, and with no other. */
function mustFit(schema: object, answer: unknown, what: string): void {
  const checked = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(answer);
  assert.ok(checked.success, `${what}: ${checked.error?.message}`);
  assert.deepEqual(checked.data, answer, what);
}

/** A state folder in which all of a sweep `s` has succeeded; today's wire would refuse some results that a journal has. */
function writeFinished(
  home: string,
  trials: readonly Trial[],
  accuracyOf: (settings: Trial['settings']) => number,
): void {
  const journal = openJournal(home);
  const how = { retryFailed: false, rerun: false, extend: false, options: DEFAULT_SWEEP_OPTIONS, owner: '' };
  journal.transaction(() => journal.submit({ sweep: 's', first: 0, trials, last: true, ...how }, 1));
  journal.transaction(() => {
    for (const { trialId, settings } of trials) {
      journal.finish(journal.begin(trialId, 'w', 2).lease, resultOf(accuracyOf(settings)), 3);
    }
  });
  journal.close();
}

describe('the web API', () => {
  it('answers as its OpenAPI document says, on every path', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', gridTrials({ models: ['a', 'b'], sizes: [0.5, 1], seeds: 2 }), AGAIN);
    const worker = web.plane.worker();
    const load = { utilization: null, memoryUsedBytes: 1, memoryTotalBytes: 2 };
    worker.say({ kind: 'load', load: { devices: [load], warm: 1 } });
    const { lease } = await worker.next('assign');
    worker.report({
      kind: 'metrics',
      lease,
      training: [{ step: 1, loss: Number.NaN }],
      evaluations: [evaluationOf(1)],
    });
    worker.report({ kind: 'finished', lease, result: resultOf(0.25) });
    const second = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'failed', lease: second.lease, failure: failureOf('user') }));
    const board = await web.read<{ cells: { key: string }[] }>('/api/v1/sweeps/s/board');
    const values: Readonly<Record<string, string>> = {
      sweep: 's',
      trial: lease.trialId,
      first: board.cells[0]?.key ?? '',
      second: board.cells[1]?.key ?? '',
      state: 'failed',
      from: '0',
      limit: '5',
      lines: '10',
    };
    const { paths } = await web.read<Document>('/api/v1/openapi.json');
    const asked: string[] = [];
    const token = new TokenStore(web.plane.home).grant({
      kind: 'user',
      user: 'ada',
      role: 'submit',
      createdAt: '2026-01-01T00:00:00.000Z',
      expiresAt: null,
    });
    for (const [path, operations] of Object.entries(paths)) {
      for (const [verb, { parameters, responses }] of Object.entries(operations)) {
        const fill = (of: Readonly<Record<string, string>>) =>
          path.replace(/\{(\w+)\}/g, (_, name: string) => of[name] ?? '');
        const query = parameters
          .filter(({ name }) => !path.includes(`{${name}}`))
          .map(({ name }) => `${name}=${values[name]}`);
        const init = { method: verb.toUpperCase(), headers: { authorization: `Bearer ${token}` } };
        const schema = responses['200']?.content['application/json']?.schema;
        if (schema !== undefined) {
          mustFit(schema, await web.read(`${fill(values)}?${query.join('&')}`, init), `${verb} ${path}`);
          asked.push(`${verb} ${path}`);
        }
        const refused = responses['default']?.content['application/json']?.schema ?? {};
        if (parameters.length === 0) continue;
        for (const [name, wrong] of [
          ['sweep', 'none'],
          ['trial', 'f'.repeat(20)],
          ['sweep', 'A B'],
          ['trial', '../x'],
        ]) {
          if (!path.includes(`{${name}}`)) continue;
          const bad = fill({ ...values, [name ?? '']: encodeURIComponent(wrong ?? '') });
          const response = await web.ask(`${bad}?${query.join('&')}`, init);
          assert.ok(response.status >= 400 && response.status < 500, `${verb} ${bad}: ${response.status}`);
          mustFit(refused, await response.json(), `${verb} ${bad}`);
        }
      }
    }
    assert.deepEqual(
      asked.filter((each) => each.startsWith('post')).map((each) => each.split('/').at(-1)),
      ['cancel', 'retry', 'pause', 'resume'],
    );
    assert.ok(asked.length >= 14, `only ${asked.join(' ')}`);
  });

  it('gives a sweep in pages, of one state if asked', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(5), AGAIN);
    type Page = { trials: { trialId: string }[]; next: number | null };
    const first = await web.read<Page>('/api/v1/sweeps/s/trials?limit=3');
    assert.deepEqual(
      first.trials.map(({ trialId }) => trialId),
      [1, 2, 3].map(trialIdOf),
    );
    const rest = await web.read<Page>(`/api/v1/sweeps/s/trials?limit=3&from=${first.next}`);
    assert.deepEqual(
      rest.trials.map(({ trialId }) => trialId),
      [4, 5].map(trialIdOf),
    );
    assert.equal(rest.next, null);
    assert.deepEqual((await web.read<Page>('/api/v1/sweeps/s/trials?state=failed')).trials, []);
  });

  it('compares two cells by the seeds that both have', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', gridTrials({ models: ['a'], sizes: [1], seeds: 4 }), AGAIN);
    const worker = web.plane.worker();
    void worker.runAll(
      ({ settings }) =>
        0.5 + settings.seed / 100 + (settings.model_type === 'standard' ? 0 : 0.1 + settings.seed / 1000),
    );
    await web.plane.watched('s');
    const { cells } = await web.read<{ cells: { key: string; method: string }[] }>('/api/v1/sweeps/s/board');
    assert.deepEqual(
      cells.map(({ method }) => method),
      ['standard', 'step-by-step'],
    );
    type Answer = {
      difference: { n: number; mean: number };
      interval: { low: number; high: number };
      test: { name: string; p: number };
    };
    const [first, second] = cells.map(({ key }) => key);
    const answer = await web.read<Answer>(`/api/v1/sweeps/s/comparison?first=${first}&second=${second}`);
    assert.equal(answer.difference.n, 4);
    assert.ok(Math.abs(answer.difference.mean - 0.1015) < 1e-12);
    // By hand: sd of 0, 1, 2, 3 thousandths is 1.29099e-3; t(0.975, 3) is 3.18245.
    assert.ok(Math.abs(answer.interval.low - (0.1015 - (3.18245 * 1.29099e-3) / 2)) < 1e-7);
    assert.equal(answer.test.name, 't');
  });

  it('compares as the report does: a seed whose accuracy is no number has none', async () => {
    using folder = temporaryFolder();
    writeFinished(folder.path, gridTrials({ models: ['a'], sizes: [1], seeds: 4 }), ({ seed, model_type }) => {
      if (seed === 3 && model_type !== 'standard') return Number.NaN;
      return 0.5 + seed / 100 + (model_type === 'standard' ? 0 : 0.1 + seed / 1000);
    });
    await using web = await TestWeb.start({ control: { home: folder.path } });
    const { journal } = web.plane.plane.view;
    const cells = foldCells([...journal.trials('s')]);
    const [reported] = compareCells(cells);
    assert.ok(reported !== undefined);
    const { cells: shown } = await web.read<{ cells: { key: string }[] }>('/api/v1/sweeps/s/board');
    const [first, second] = shown.map(({ key }) => key);
    type Compared = { accuracy: { n: number; mean: number }; seeds: { seed: number }[] };
    type Answer = { first: Compared; second: Compared; difference: object; pairs: object[]; interval: object };
    const answer = await web.read<Answer>(`/api/v1/sweeps/s/comparison?first=${first}&second=${second}`);
    assert.deepEqual(
      [answer.first.accuracy, answer.second.accuracy],
      [reported.baseline.accuracy, reported.candidate.accuracy],
    );
    assert.deepEqual(
      answer.second.seeds.map(({ seed }) => seed),
      [0, 1, 2],
    );
    assert.deepEqual(answer.pairs, reported.pairs);
    assert.deepEqual(answer.difference, reported.difference);
    assert.deepEqual(answer.interval, reported.inference.interval);
  });

  it('answers a name that nobody has with 404, its code and a message', async () => {
    await using web = await TestWeb.start();
    for (const [path, code] of [
      ['/api/v1/sweeps/none', 'SWEEP_UNKNOWN'],
      ['/api/v1/sweeps/none/events', 'SWEEP_UNKNOWN'],
      [`/api/v1/trials/${trialIdOf(7)}`, 'TRIAL_UNKNOWN'],
      ['/nothing', 'NOT_FOUND'],
    ] as const) {
      const response = await web.ask(path);
      assert.equal(response.status, 404, path);
      assert.equal(((await response.json()) as { error: { code: string } }).error.code, code);
    }
  });
});

describe('the stream of events', () => {
  const EVENTS = '/api/v1/sweeps/s/events';

  it('tells of what changes, and of the workers', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(2), AGAIN);
    const { eventId } = await web.read<{ eventId: string }>('/api/v1/sweeps/s/board');
    const reader = await EventReader.open(web.url(EVENTS), eventId);
    const worker = web.plane.worker();
    const { lease } = await worker.next('assign');
    const seen = { running: false, worker: false };
    await reader.until(({ data }) => {
      seen.running ||= data.trials.some((row: number[]) => row[1] === 1);
      seen.worker ||= data.workers.some(({ workerId }: { workerId: string }) => workerId === 'scripted-1');
      return seen.running && seen.worker;
    });
    worker.report({ kind: 'finished', lease, result: resultOf(0.75) });
    const done = await reader.until(({ data }) => data.trials.some((row: number[]) => row[1] === 2));
    assert.deepEqual(done.data.trials.find((row: number[]) => row[1] === 2).slice(1, 4), [2, 0.75, 1]);
    reader.close();
  });

  it('says of each result what it ran on, and new words for all when another comes in', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(3), AGAIN);
    const worker = web.plane.worker();
    const finish = async (environment: Readonly<Record<string, string>>) => {
      const { lease } = await worker.next('assign');
      await worker.acknowledged(worker.report({ kind: 'finished', lease, result: { ...resultOf(0.5), environment } }));
    };
    await finish({ torch: '2.13.1', host: 'a' });
    type BoardAnswer = { eventId: string; environments: string[]; trials: { environment: number[] } };
    const board = await web.read<BoardAnswer>('/api/v1/sweeps/s/board');
    assert.deepEqual([board.environments, board.trials.environment], [[''], [0, -1, -1]]);
    const reader = await EventReader.open(web.url(EVENTS), board.eventId);
    await finish({ torch: '2.13.1', host: 'b' });
    const placeOf = (trials: number[][], place: number) => trials.find((row) => row[0] === place)?.[6];
    await reader.until(({ data }) => placeOf(data.trials, 1) === 0);
    await finish({ torch: '2.15.0', host: 'a' });
    const { data } = await reader.until(({ data: { trials } }) => placeOf(trials, 2) === 1);
    assert.deepEqual(data.environments, ['torch 2.13.1', 'torch 2.15.0']);
    reader.close();
  });

  it('goes on after a cut with what happened meanwhile, and nothing else', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(3), AGAIN);
    const worker = web.plane.worker();
    const first = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'finished', lease: first.lease, result: resultOf(0.1) }));
    const { eventId } = await web.read<{ eventId: string }>('/api/v1/sweeps/s/board');
    const second = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'finished', lease: second.lease, result: resultOf(0.2) }));
    const reader = await EventReader.open(web.url(EVENTS), eventId);
    const { data, id } = await reader.until(({ data: { trials } }) => trials.some((row: number[]) => row[2] === 0.2));
    assert.ok(
      data.trials.every((row: number[]) => row[2] !== 0.1),
      'it told again what was known',
    );
    assert.notEqual(id, eventId);
    reader.close();
  });

  it('says `reset` where an id tells of other trials: after a restart, an extension, or nonsense', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(2), AGAIN);
    const { eventId } = await web.read<{ eventId: string }>('/api/v1/sweeps/s/board');
    for (const id of ['0123456789ab-7', 'x', '-1', '1e9']) {
      const reader = await EventReader.open(web.url(EVENTS), id);
      assert.equal((await reader.next())?.kind, 'reset', id);
      assert.equal(await reader.next(), null);
    }
    const open = await EventReader.open(web.url(EVENTS), eventId);
    await web.plane.client.submit('s', trialsOf(3), { ...AGAIN, extend: true });
    await open.until(({ kind }) => kind === 'reset');
    assert.equal(await open.next(), null, 'it says so once');
    const reader = await EventReader.open(web.url(EVENTS), eventId);
    assert.equal((await reader.next())?.kind, 'reset');
    const board = await web.read<{ trials: { seed: number[] } }>('/api/v1/sweeps/s/board');
    assert.equal(board.trials.seed.length, 3);
  });

  it('follows a sweep that goes on after its end', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(1), AGAIN);
    const worker = web.plane.worker();
    const first = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'failed', lease: first.lease, failure: failureOf('user') }));
    const { eventId } = await web.read<{ eventId: string }>('/api/v1/sweeps/s/board');
    const reader = await EventReader.open(web.url(EVENTS), eventId);
    await web.plane.client.retry('s', { onlyFailed: true });
    const again = await worker.next('assign');
    worker.report({ kind: 'finished', lease: again.lease, result: resultOf(1) });
    const done = await reader.until(({ data: { trials } }) => trials.some((row: number[]) => row[1] === 2));
    assert.equal(done.data.sweep.counts.succeeded, 1);
    reader.close();
  });
});
