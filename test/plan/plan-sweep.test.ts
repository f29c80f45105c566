import assert from 'node:assert/strict';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { parseSweepValue } from '../../orchestrator/core/sweep/sweep-spec.js';
import { type PlanOptions, planSweep } from '../../orchestrator/plan/plan-sweep.js';
import type { HubRequest } from '../../orchestrator/sources/hub-models.js';
import { temporaryFolder } from '../support/dss.js';
import { MODEL_FILES, OWN_FILES, SVAMP_FILES, writeFiles } from '../support/sources.js';

const GRID = { models: ['./model'], datasets: ['svamp', 'own'], seeds: [0, 1] };

function planIn(folder: string, grid: object = {}, changes: Partial<PlanOptions> = {}) {
  const spec = parseSweepValue({ sweep: 's', grid: { ...GRID, ...grid } }, '');
  const options: PlanOptions = {
    specDirectory: folder,
    datasetsRoot: join(folder, 'data'),
    home: join(folder, 'home'),
    askHub: async () => assert.fail('the hub is not asked about directories'),
    ...changes,
  };
  return planSweep(spec, options);
}

/** A folder with a model and both kinds of datasets. */
function furnished() {
  const folder = temporaryFolder();
  writeFiles(join(folder.path, 'model'), MODEL_FILES);
  writeFiles(join(folder.path, 'data'), { ...SVAMP_FILES, ...OWN_FILES });
  return folder;
}

describe('a plan', () => {
  it('has every trial with what it reads', async () => {
    using folder = furnished();
    const { sweep, requested, trials, merged, rejected, missingWeights } = await planIn(folder.path);
    assert.deepEqual([sweep, requested, trials.length, merged, rejected, missingWeights], ['s', 4, 4, [], [], []]);
    const [svamp, , own] = trials;
    assert.deepEqual(
      [svamp?.model.directory, svamp?.dataset.directory],
      [join(folder.path, 'model'), join(folder.path, 'data')],
    );
    assert.deepEqual([svamp?.settings.llm, own?.settings.llm, svamp?.settings.dropout], ['palm', null, 0.25]);
    assert.deepEqual(
      svamp?.dataset.files.map(({ role }) => role),
      ['train', 'test', 'teacher', 'teacher'],
    );
  });

  it('is the same for the same content elsewhere, and another for other content', async () => {
    using folder = furnished();
    const ids = async () => (await planIn(folder.path)).trials.map(({ trialId }) => trialId);
    const before = await ids();
    renameSync(join(folder.path, 'data'), join(folder.path, 'data2'));
    const moved = await planIn(folder.path, {}, { datasetsRoot: join(folder.path, 'data2') });
    assert.deepEqual(
      moved.trials.map(({ trialId }) => trialId),
      before,
    );
    renameSync(join(folder.path, 'data2'), join(folder.path, 'data'));
    writeFiles(join(folder.path, 'data'), { 'svamp/llm/train_CoT_1.json': ['The answer is (3).'] });
    const after = await ids();
    assert.deepEqual(after.slice(2), before.slice(2));
    assert.notDeepEqual(after.slice(0, 2), before.slice(0, 2));
  });

  it('rejects the cells of a model or a dataset that is missing, and keeps the others', async () => {
    using folder = furnished();
    const grid = { models: ['./model', './modle'], datasets: ['svamp', 'svamq'], seeds: [0] };
    const { requested, trials, rejected } = await planIn(folder.path, grid);
    assert.deepEqual([requested, trials.length], [4, 1]);
    assert.deepEqual(
      rejected.map(({ settings, code, further }) => [settings.model, settings.dataset, code, further.length]),
      [
        ['./model', 'svamq', 'DATASET_MISSING', 0],
        ['./modle', 'svamp', 'MODEL_MISSING', 0],
        ['./modle', 'svamq', 'MODEL_MISSING', 1],
      ],
    );
    assert.match(rejected[0]?.hint ?? '', /did you mean svamp\?/);
    assert.equal(rejected[1]?.message, `there is no model directory ${join(folder.path, 'modle')}`);
  });

  it('looks for no teacher that no cell reads', async () => {
    using folder = furnished();
    const { rejected } = await planIn(folder.path, { model_type: 'standard', llm: ['gpt'] });
    assert.deepEqual(rejected, []);
    const { rejected: read } = await planIn(folder.path, { datasets: 'svamp', llm: ['gpt'] });
    assert.match(read[0]?.message ?? '', /lacks outputs of gpt: there is no gpt-neox\/svamp\/train\.json/);
  });

  it('writes nothing but its memory of files', async () => {
    using folder = furnished();
    await planIn(folder.path);
    assert.deepEqual(readdirSync(join(folder.path, 'home')), ['cache']);
    assert.deepEqual(readdirSync(join(folder.path, 'home/cache')), ['row-checks.json']); // the files are too new to be sure of
  });

  it('remembers by content what it found in the rows, right or wrong', async () => {
    using folder = furnished();
    writeFiles(join(folder.path, 'data'), { 'own/test.jsonl': '{"label":"x"}\n' });
    const [first, second] = [await planIn(folder.path), await planIn(folder.path)];
    assert.deepEqual(second, first);
    assert.match(second.rejected[0]?.message ?? '', /own\/test\.jsonl:1/);
  });

  it('leaves nothing behind when the grid is too large', async () => {
    using folder = furnished();
    const seeds = Array.from({ length: 500_001 }, (_, seed) => seed);
    await assert.rejects(planIn(folder.path, { seeds }), { code: 'GRID_TOO_LARGE' });
    assert.equal(existsSync(join(folder.path, 'home')), false);
  });

  it('stops when it is told to', async () => {
    using folder = furnished();
    await assert.rejects(planIn(folder.path, {}, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  });
});

describe('a plan with hub models', () => {
  const SHA = 'c'.repeat(64);
  /** The answer of resolve_model.py about models that all lie in one directory. */
  const answer = (directory: string, changes: object) => async (request: HubRequest) => ({
    models: request.models.map(({ name }) => ({
      name,
      directory,
      revision: '0'.repeat(40),
      weights: [],
      missing_bytes: 0,
      problem: null,
      weights_problem: null,
      ...changes,
    })),
  });

  it('asks once, for all of them, and takes what is cached for a directory', async () => {
    using folder = furnished();
    const asked: HubRequest[] = [];
    const reply = answer(join(folder.path, 'model'), {});
    const askHub = (request: HubRequest) => {
      asked.push(request);
      return reply(request);
    };
    const grid = { models: ['./model', 'maker/one', 'maker/two'], datasets: 'own', seeds: 0 };
    const { trials, merged } = await planIn(folder.path, grid, { askHub });
    assert.deepEqual(asked, [
      { models: ['maker/one', 'maker/two'].map((name) => ({ name, weights: true })), download: false },
    ]);
    assert.equal(trials.length, 1);
    assert.deepEqual(
      merged.map(({ rules }) => rules),
      [['models ./model and maker/one have the same content'], ['models ./model and maker/two have the same content']],
    );
  });

  it("takes the hub's word for weights that are not here, and says what must be fetched", async () => {
    using folder = furnished();
    const weights = [{ path: 'model.safetensors', sha256: SHA, size_bytes: 5e9 }];
    const askHub = answer(join(folder.path, 'model'), { weights, missing_bytes: 5e9 });
    const { trials, missingWeights } = await planIn(folder.path, { models: 'maker/one' }, { askHub });
    assert.equal(trials[0]?.model.files.at(-1)?.sha256, SHA);
    assert.deepEqual(missingWeights, [{ name: 'maker/one', bytes: 5e9 }]);
  });

  it('takes one that was imported in place of asking, unless a directory has its name', async () => {
    using folder = furnished();
    const imported = join(folder.path, 'home/models/maker/one');
    writeFiles(imported, { ...MODEL_FILES, 'dss-import.json': {} });
    const planned = async () => {
      const { trials, rejected } = await planIn(folder.path, { models: 'maker/one', datasets: 'own', seeds: 0 });
      assert.deepEqual(rejected, []);
      return trials.map(({ model }) => model.directory);
    };
    assert.deepEqual(await planned(), [imported]);
    writeFiles(join(folder.path, 'maker/one'), MODEL_FILES);
    assert.deepEqual(await planned(), [join(folder.path, 'maker/one')]);
  });

  it('says where to put a model that cannot be had', async () => {
    using folder = furnished();
    const problem = { code: 'MODEL_MISSING', message: 'maker/one cannot be had', hint: '' };
    const { rejected } = await planIn(folder.path, { models: 'maker/one' }, { askHub: answer('', { problem }) });
    assert.ok(rejected[0]?.hint.endsWith(` in ${join(folder.path, 'maker/one')}`), rejected[0]?.hint);
  });
});
