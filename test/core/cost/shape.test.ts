import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KNOWN_SHAPES } from '../../../orchestrator/core/cost/known-shapes.js';
import {
  adapterParameters,
  parameterCount,
  shapeOfConfig,
  type T5Shape,
} from '../../../orchestrator/core/cost/shape.js';
import { REPOSITORY } from '../../support/dss.js';

/** Of `T5ForConditionalGeneration(config)` on torch's meta device, transformers 5.24; of v1.1 with its output layer. */
const COUNTED: Readonly<Record<string, number>> = {
  'google/t5-v1_1-small': 76_961_152,
  'google/t5-v1_1-base': 247_577_856,
  'google/t5-v1_1-large': 783_150_080,
  'google/t5-v1_1-xl': 2_849_757_184,
  'google/t5-v1_1-xxl': 11_135_332_352,
  'google-t5/t5-small': 60_506_624,
  'google-t5/t5-base': 222_903_552,
  'google-t5/t5-large': 737_668_096,
  'google-t5/t5-3b': 2_851_598_336,
  'google-t5/t5-11b': 11_307_321_344,
};

function known(name: string): T5Shape {
  const shape = KNOWN_SHAPES.get(name);
  assert.ok(shape !== undefined);
  return shape;
}

describe('the shape of a T5', () => {
  for (const [name, parameters] of Object.entries(COUNTED)) {
    it(`gives as many parameters as transformers counts: ${name}`, () => {
      assert.equal(parameterCount(known(name)), parameters);
    });
  }

  it('is read from a config', () => {
    const config: unknown = JSON.parse(readFileSync(join(REPOSITORY, 'sweeps/models/dispatch-t5/config.json'), 'utf8'));
    assert.deepEqual(shapeOfConfig(config), {
      vocabulary: 100,
      width: 64,
      headWidth: 16,
      heads: 4,
      feedForward: 128,
      encoderLayers: 1,
      decoderLayers: 1,
      isGated: true,
      isTied: true,
      buckets: 32,
    });
  });

  it('is that of the original T5 where a config says nothing', () => {
    assert.deepEqual(shapeOfConfig({ model_type: 't5' }), known('google-t5/t5-small'));
  });

  it('has as many decoder layers as encoder layers unless the config says otherwise', () => {
    const config = { model_type: 't5', num_layers: 5 };
    assert.equal(shapeOfConfig(config)?.decoderLayers, 5);
    assert.equal(shapeOfConfig({ ...config, num_decoder_layers: null })?.decoderLayers, 5);
    assert.equal(shapeOfConfig({ ...config, num_decoder_layers: 2 })?.decoderLayers, 2);
  });

  for (const config of [null, [], 'x', {}, { model_type: 'bert' }, { model_type: 't5', d_model: -1 }]) {
    it(`is not made up: ${JSON.stringify(config)}`, () => assert.equal(shapeOfConfig(config), null));
  }

  it('gives as many adapter parameters as peft counts', () => {
    // inject_adapter_in_model of peft 0.21 with the worker's targets, rank 16.
    assert.equal(adapterParameters(known('google/t5-v1_1-small'), 16), 2_555_904);
    assert.equal(adapterParameters(known('google-t5/t5-small'), 16), 2_162_688);
  });
});
