import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readShape } from '../../orchestrator/sources/model-shape.js';
import { readSafetensorsHeader } from '../../orchestrator/sources/safetensors-header.js';
import { temporaryFolder } from '../support/dss.js';

const CONFIG = { model_type: 't5', d_model: 8, num_layers: 1, tie_word_embeddings: true };

/** Weights of two bytes each. */
function safetensors(names: readonly string[], { cutBytes = 0 } = {}): Buffer {
  const tensors = names.map((name, i) => [name, { dtype: 'U8', shape: [2], data_offsets: [2 * i, 2 * i + 2] }]);
  const header = Buffer.from(JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(tensors) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const whole = Buffer.concat([length, header, Buffer.alloc(2 * names.length)]);
  return whole.subarray(0, whole.length - cutBytes);
}

describe('the shape of a model on disk', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const write = (name: string, content: string | Buffer) => writeFileSync(join(folder.path, name), content);

  beforeEach(() => {
    folder = temporaryFolder();
    write('config.json', JSON.stringify(CONFIG));
  });
  afterEach(() => folder[Symbol.dispose]());

  it('has an output layer of its own where its weights do, whatever its config says', async () => {
    const isTied = async () => (await readShape(folder.path))?.isTied;
    assert.equal(await isTied(), true, 'without weights');
    write('model.safetensors', safetensors(['shared.weight']));
    assert.equal(await isTied(), true);
    write('model.safetensors', safetensors(['shared.weight', 'lm_head.weight']));
    assert.equal(await isTied(), false);
    write('config.json', JSON.stringify({ ...CONFIG, tie_word_embeddings: false }));
    assert.equal(await isTied(), false);
  });

  it('is that of weights in several files too', async () => {
    const index = (names: readonly string[]) =>
      write(
        'model.safetensors.index.json',
        JSON.stringify({ weight_map: Object.fromEntries(names.map((name) => [name, 'model-1.safetensors'])) }),
      );
    index(['shared.weight']);
    assert.equal((await readShape(folder.path))?.isTied, true);
    index(['shared.weight', 'lm_head.weight']);
    assert.equal((await readShape(folder.path))?.isTied, false);
  });

  it('is nothing where there is no config of a T5', async () => {
    write('config.json', JSON.stringify({ ...CONFIG, model_type: 'bert' }));
    assert.equal(await readShape(folder.path), null);
    assert.equal(await readShape(join(folder.path, 'nothing')), null);
  });
});

describe('the header of a safetensors file', () => {
  it('says how long the file should be, also of one that is cut short', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'model.safetensors');
    const whole = safetensors(['a', 'b', 'c']);
    for (const content of [whole, safetensors(['a', 'b', 'c'], { cutBytes: 3 })]) {
      writeFileSync(path, content);
      assert.equal((await readSafetensorsHeader(path))?.sizeBytes, whole.length);
    }
    for (const content of [whole.subarray(0, 20), Buffer.from('PK'), Buffer.alloc(64, 255)]) {
      writeFileSync(path, content);
      assert.equal(await readSafetensorsHeader(path), null);
    }
  });
});
