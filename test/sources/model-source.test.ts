import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { placeOfModel, readModel } from '../../orchestrator/sources/model-source.js';
import { temporaryFolder } from '../support/dss.js';
import { contextIn } from '../support/source-context.js';
import { MODEL_FILES, safetensorsOf, writeFiles } from '../support/sources.js';

async function factsOf(files: Readonly<Record<string, unknown>>) {
  using folder = temporaryFolder();
  const directory = join(folder.path, 'model');
  writeFiles(directory, files);
  return await readModel(directory, await contextIn(join(folder.path, 'home')));
}

const { 'model.safetensors': WEIGHTS, ...WITHOUT_WEIGHTS } = MODEL_FILES;
const SHARDS = { weight_map: { b: 'model-2.safetensors', a: 'model-1.safetensors', c: 'model-2.safetensors' } };

describe('a model directory', () => {
  it('is known by the content of config, tokenizer and weights, and by its own dropout', async () => {
    const { source, weights, dropout, problem, weightsProblem } = await factsOf(MODEL_FILES);
    assert.deepEqual([problem, weightsProblem, dropout], [null, null, 0.25]);
    assert.deepEqual(
      [...source.files, ...weights].map(({ path, role, sizeBytes }) => [path, role, sizeBytes]),
      [
        ['config.json', 'config', 39],
        ['spiece.model', 'tokenizer', 6],
        ['tokenizer_config.json', 'tokenizer', 2],
        ['model.safetensors', 'weights', WEIGHTS.length],
      ],
    );
    assert.equal(weights[0]?.sha256, createHash('sha256').update(WEIGHTS).digest('hex'));
  });

  it("has transformers' dropout when it names none", async () => {
    assert.equal((await factsOf({ ...MODEL_FILES, 'config.json': { model_type: 't5' } })).dropout, 0.1);
  });

  it('may have its weights in parts: the index first, then each part once', async () => {
    const parts = {
      'model.safetensors.index.json': SHARDS,
      'model-1.safetensors': safetensorsOf('1'),
      'model-2.safetensors': safetensorsOf('2'),
    };
    const { weights } = await factsOf({ ...WITHOUT_WEIGHTS, ...parts });
    assert.deepEqual(
      weights.map(({ path }) => path),
      ['model.safetensors.index.json', 'model-1.safetensors', 'model-2.safetensors'],
    );
  });

  it('without weights lacks nothing that random ones need', async () => {
    const { problem, weightsProblem } = await factsOf(WITHOUT_WEIGHTS);
    assert.equal(problem, null);
    assert.match(weightsProblem?.message ?? '', /it has no weights \(model\.safetensors\)$/);
    assert.match(weightsProblem?.hint ?? '', /`init: random`/);
  });

  for (const [what, content, message] of [
    ['cut short', WEIGHTS.slice(0, -3), `${WEIGHTS.length - 3} bytes, and ${WEIGHTS.length} by its header`],
    ['with more behind them', `${WEIGHTS}xx`, `${WEIGHTS.length + 2} bytes, and ${WEIGHTS.length} by its header`],
    [
      'cut short within their header',
      WEIGHTS.slice(0, 20),
      '20 bytes, and is no safetensors file or cut short within its header',
    ],
    ['of nothing', '', '0 bytes, and is no safetensors file or cut short within its header'],
  ] as const) {
    it(`is refused for weights ${what}, with the bytes that were found and those that were expected`, async () => {
      const { problem, weightsProblem } = await factsOf({ ...MODEL_FILES, 'model.safetensors': content });
      assert.equal(problem, null);
      assert.equal(weightsProblem?.code, 'MODEL_INVALID');
      assert.ok(weightsProblem.message.endsWith(`model.safetensors has ${message}`), weightsProblem.message);
      assert.equal(weightsProblem.hint, 'copy or fetch model.safetensors again');
    });
  }

  it('is refused for a part that was cut short', async () => {
    const parts = {
      'model.safetensors.index.json': SHARDS,
      'model-1.safetensors': safetensorsOf('1'),
      'model-2.safetensors': safetensorsOf('22').slice(0, -1),
    };
    const { weightsProblem } = await factsOf({ ...WITHOUT_WEIGHTS, ...parts });
    assert.match(weightsProblem?.message ?? '', /: model-2\.safetensors has \d+ bytes, and \d+ by its header$/);
  });

  const broken: readonly [string, Readonly<Record<string, unknown>>, RegExp][] = [
    ['an empty one', { 'README.md': '' }, /it has no config\.json/],
    ['a config that is no JSON', { ...MODEL_FILES, 'config.json': '{' }, /config\.json is not JSON/],
    [
      'another kind of model',
      { ...MODEL_FILES, 'config.json': { model_type: 'bert' } },
      /expected "model_type": "t5", got "bert"/,
    ],
    [
      'a dropout that is none',
      { ...MODEL_FILES, 'config.json': { model_type: 't5', dropout_rate: 1 } },
      /dropout_rate below 1/,
    ],
    [
      'no vocabulary',
      { 'config.json': { model_type: 't5' }, 'model.safetensors': '' },
      /neither spiece\.model nor tokenizer\.json/,
    ],
    [
      'pickled weights only',
      { ...WITHOUT_WEIGHTS, 'pytorch_model.bin': '' },
      /pickled only \(pytorch_model\.bin\), and reading a pickle can run code/,
    ],
    [
      'a part that is missing',
      { ...WITHOUT_WEIGHTS, 'model.safetensors.index.json': SHARDS },
      /names model-1\.safetensors, which is not there/,
    ],
    [
      'a part outside',
      { ...WITHOUT_WEIGHTS, 'model.safetensors.index.json': { weight_map: { a: '../x.safetensors' } } },
      /which is no file beside it/,
    ],
    [
      'an index of nothing',
      { ...WITHOUT_WEIGHTS, 'model.safetensors.index.json': [] },
      /model\.safetensors\.index\.json: /,
    ],
  ];
  for (const [what, files, message] of broken) {
    it(`is refused with what is wrong: ${what}`, async () => {
      const { problem, weightsProblem } = await factsOf(files);
      const found = problem ?? weightsProblem;
      assert.equal(found?.code, 'MODEL_INVALID');
      assert.match(found.message, message);
    });
  }
});

describe('the name of a model', () => {
  it('is a directory that starts at the sweep file where there is one, else a hub name, else nothing', () => {
    using folder = temporaryFolder();
    writeFiles(folder.path, { 'sweeps/maker/model/config.json': {}, 'other/config.json': {} });
    const sweeps = join(folder.path, 'sweeps');
    assert.deepEqual(placeOfModel('maker/model', sweeps), {
      kind: 'directory',
      directory: join(sweeps, 'maker/model'),
    });
    assert.deepEqual(placeOfModel('../other', sweeps), { kind: 'directory', directory: join(folder.path, 'other') });
    assert.deepEqual(placeOfModel('google/t5-v1_1-small', sweeps), { kind: 'hub', name: 'google/t5-v1_1-small' });
    for (const name of ['./maker/none', '../none', 'none', '/none/at/all', 'a/b/c', 'maker/']) {
      assert.equal(placeOfModel(name === 'maker/' ? 'maker2/' : name, sweeps).kind, 'none', name);
    }
  });
});
