import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { DatasetSource, ModelSource } from '../../../orchestrator/core/domain.js';
import { createTrialIds } from '../../../orchestrator/core/sweep/trial-id.js';
import { settingsOf } from '../../support/records.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const file = (path: string, role: 'config' | 'train' | 'teacher', digit: string) => ({
  path,
  role,
  sha256: digit.repeat(64),
  sizeBytes: 1,
});

const MODEL: ModelSource = { directory: '/m', files: [file('config.json', 'config', '1')] };
const DATASET: DatasetSource = {
  directory: '/d',
  layout: 'release',
  files: [file('cqa/cqa_train.json', 'train', '2'), file('cqa/llm/train_CoT_0.json', 'teacher', '3')],
  metric: 'text',
  fields: {},
  templates: {},
  choices: [],
};
const idOf = (model = MODEL, dataset = DATASET, settings = settingsOf()) =>
  createTrialIds(sha256)(settings, model, dataset);

describe('the id of a trial', () => {
  it('is the beginning of a hash over a text that can be written by hand', () => {
    const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(64));
    const text =
      `{"dataset":{"fields":{},"files":[{"role":"train","sha256":"${two}"},{"role":"teacher","sha256":"${three}"}],` +
      '"layout":"release","metric":"text","parser":"cqa","templates":{}},"engine":3,' +
      `"model":[{"path":"config.json","role":"config","sha256":"${one}"}],` +
      '"settings":{"adapter":"none","alpha":0.5,"batch_size":8,"dropout":0.1,"eval_steps":50,"gen_max_len":64,"grad_steps":1,' +
      '"init":"pretrained","label_type":"gt","llm":"palm","lora_alpha":null,"lora_rank":null,"lr":0.00005,' +
      '"max_input_length":1024,"max_steps":100,"model_type":"task_prefix","optimizer":"adamw","precision":"fp32","seed":0,"select":"valid","subsample":1}}';
    assert.equal(idOf(), createHash('sha256').update(text).digest('hex').slice(0, 20));
  });

  it('does not depend on where model and data are, or on what the model is called', () => {
    const settings = settingsOf({ model: 'another/name' });
    assert.equal(idOf({ ...MODEL, directory: '/x' }, { ...DATASET, directory: '/y' }, settings), idOf());
  });

  const changes: readonly [string, () => string][] = [
    ['a file of the model', () => idOf({ ...MODEL, files: [file('config.json', 'config', '9')] })],
    ['the name of a file of the model', () => idOf({ ...MODEL, files: [file('other.json', 'config', '1')] })],
    ['the order of the data files', () => idOf(MODEL, { ...DATASET, files: DATASET.files.toReversed() })],
    ['the metric', () => idOf(MODEL, { ...DATASET, metric: 'equation' })],
    ["the release's rules for another dataset", () => idOf(MODEL, DATASET, settingsOf({ dataset: 'svamp' }))],
    ['the layout', () => idOf(MODEL, { ...DATASET, layout: 'folder' })],
    ['a field', () => idOf(MODEL, { ...DATASET, layout: 'folder', fields: { input: 'question' } })],
    ['a template', () => idOf(MODEL, { ...DATASET, layout: 'folder', templates: { explain: 'why: ' } })],
    ['the choices of all rows', () => idOf(MODEL, { ...DATASET, layout: 'folder', choices: ['a', 'b'] })],
    ['one of those choices', () => idOf(MODEL, { ...DATASET, layout: 'folder', choices: ['a', 'c'] })],
    ['the seed', () => idOf(MODEL, DATASET, settingsOf({ seed: 1 }))],
  ];
  const ids = new Set([idOf()]);
  for (const [what, id] of changes) {
    it(`changes with ${what}`, () => {
      assert.ok(!ids.has(id()));
      ids.add(id());
    });
  }

  it("of a user's own dataset does not depend on its name", () => {
    const own: DatasetSource = { ...DATASET, layout: 'folder' };
    assert.equal(idOf(MODEL, own, settingsOf({ dataset: 'other' })), idOf(MODEL, own));
  });
});
