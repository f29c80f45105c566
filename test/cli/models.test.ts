import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from '../../orchestrator/cli/python.js';
import { REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';

const SHIPPED = join(REPOSITORY, 'sweeps/models/dispatch-t5');
const FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
const NAME = 'maker/tiny-t5';
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** Random weights for the shipped model's config, as torch pickles them. */
const PICKLE = `
import sys, torch
from transformers import T5Config, T5ForConditionalGeneration
model = T5ForConditionalGeneration(T5Config.from_pretrained(sys.argv[1]))
torch.save(model.state_dict(), sys.argv[2])
`;

/** The hub's cache with one model in it, pickled; gives its snapshot and the environment that leads there. */
function cachedModel(folder: string) {
  const repository = join(folder, 'hf/hub', `models--${NAME.replace('/', '--')}`);
  const snapshot = join(repository, 'snapshots', COMMIT);
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(repository, 'refs'));
  writeFileSync(join(repository, 'refs/main'), COMMIT);
  for (const file of FILES) copyFileSync(join(SHIPPED, file), join(snapshot, file));
  execFileSync(findPython(), ['-c', PICKLE, SHIPPED, join(snapshot, 'pytorch_model.bin')], { stdio: 'pipe' });
  const env = { HF_HOME: join(folder, 'hf'), HF_HUB_OFFLINE: '1', DSS_HOME: join(folder, 'home') };
  return { snapshot, env };
}

describe('dss models', () => {
  it('makes a hub model whose weights are pickled one that a sweep trains', async () => {
    using folder = temporaryFolder();
    const { snapshot, env } = cachedModel(folder.path);
    const sweep = join(folder.path, 'one.yaml');
    writeFileSync(sweep, `sweep: one\ngrid: { models: ${NAME}, datasets: dispatch }\n`);
    const plan = () => runDss(['plan', sweep, '--datasets', join(REPOSITORY, 'datasets'), '--json'], { env });

    const before = await plan();
    assert.equal(before.code, 2);
    assert.match(before.stderr, /pickled only \(pytorch_model\.bin\), and a pickle can run code/);
    assert.ok(before.stderr.includes(`\`dss models import ${NAME}\``), before.stderr);

    const { code, stdout, stderr } = await runDss(['models', 'import', NAME], { env });
    assert.equal(code, 0, stderr);
    const directory = join(folder.path, 'home/models', NAME);
    assert.match(stdout, /^maker\/tiny-t5: [\d.,M]+ parameters, float32, its output layer is its embedding$/m);
    assert.ok(stdout.includes(`in ${directory}; a sweep file names it ${NAME}`), stdout);
    assert.deepEqual(readdirSync(directory).sort(), [...FILES, 'dss-import.json', 'model.safetensors'].sort());

    const after = await plan();
    assert.equal(after.code, 0, after.stderr);

    const list = JSON.parse((await runDss(['models', 'list', '--json'], { env })).stdout);
    const pickle = createHash('sha256')
      .update(readFileSync(join(snapshot, 'pytorch_model.bin')))
      .digest('hex');
    assert.deepEqual(
      list.map(({ name, revision, source }: { name: string; revision: string; source: { sha256: string }[] }) => [
        name,
        revision,
        source[0]?.sha256,
      ]),
      [[NAME, COMMIT, pickle]],
    );
    assert.match((await runDss(['models', 'list'], { env })).stdout, /^maker\/tiny-t5 +[\d.,M]+ +float32 +01234567 /m);
  });

  it('refuses what is no model, with exit code 2 and nothing made', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'empty'));
    const env = { DSS_HOME: join(folder.path, 'home') };
    const importIt = (model: string) => runDss(['models', 'import', model, '--json'], { env, cwd: folder.path });
    const empty = await importIt('./empty');
    assert.deepEqual([empty.code, JSON.parse(empty.stdout).error.code], [2, 'MODEL_INVALID']);
    assert.match(empty.stderr, /empty has no config\.json/);
    const nothing = await importIt('./none');
    assert.deepEqual([nothing.code, JSON.parse(nothing.stdout).error.code], [2, 'MODEL_MISSING']);
    assert.match(nothing.stderr, /there is no model directory .*none\n {2}a model of the hub is written organisation/);
    assert.deepEqual(readdirSync(folder.path), ['empty']);
  });

  it('lists nothing where nothing was imported', async () => {
    using folder = temporaryFolder();
    const { code, stdout } = await runDss(['models', 'list', '--home', folder.path]);
    assert.equal(code, 0);
    assert.match(stdout, /no model was imported into /);
    assert.equal(existsSync(join(folder.path, 'models')), false);
  });
});
