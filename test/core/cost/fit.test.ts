import assert from 'node:assert/strict';
import { DEVICE_KINDS, type DeviceChoice } from '../../../orchestrator/core/cost/device-kinds.js';
import { fitOn } from '../../../orchestrator/core/cost/fit.js';
import { factsOf } from '../../support/planned-trials.js';

const ONE = { devices: 1, machines: 1 };
const XXL = { model: 'google/t5-v1_1-xxl', precision: 'bf16' } as const;

function choiceOf(name: string, count: number | null): DeviceChoice {
  const kind = DEVICE_KINDS.get(name);
  assert.ok(kind !== undefined);
  return { kind, count };
}

describe('whether T5-XXL fits', () => {
  it('on one H200: not as it is, but with moments on the host, or in eight bits, which is another method', () => {
    const { fits, devices, shortBytes, ways } = fitOn(factsOf(XXL), ONE, choiceOf('h200', 1));
    assert.deepEqual([fits, devices], [false, 1]);
    assert.ok(shortBytes > 40e9);
    const [onHost, inEightBits] = ways;
    // Eight bytes of each of 11.1 billion parameters, of the 128 GiB beside such a device.
    assert.deepEqual(onHost, {
      settings: { optimizer_states: 'host' },
      devices: 1,
      hostBytes: 8 * 11_135_332_352,
      isOtherMethod: false,
    });
    assert.deepEqual(inEightBits, {
      settings: { optimizer: 'adamw8bit' },
      devices: 1,
      hostBytes: 0,
      isOtherMethod: true,
    });
    assert.ok(ways.slice(1).every(({ isOtherMethod }) => isOtherMethod));
  });

  it('on H200s: on two', () => {
    const { fits, devices, asksForFewer } = fitOn(factsOf(XXL), ONE, choiceOf('h200', null));
    assert.deepEqual([fits, devices, asksForFewer], [true, 2, true]);
  });

  it('on eight A100 with 80 GB: on four of them, without checkpointing', () => {
    const { fits, devices, memory } = fitOn(factsOf(XXL), ONE, choiceOf('a100-80', 8));
    assert.deepEqual([fits, devices, memory.isCheckpointed], [true, 4, false]);
  });

  it('on eight A100 with 40 GB: on all, with checkpointing', () => {
    const { fits, devices, memory } = fitOn(factsOf(XXL), ONE, choiceOf('a100-40', 8));
    assert.deepEqual([fits, devices, memory.isCheckpointed], [true, 8, true]);
  });

  it('on four with 24 GB: not, and with an adapter alone, which is another method', () => {
    const { fits, devices, asksForFewer, shortBytes, ways } = fitOn(factsOf(XXL), ONE, choiceOf('rtx4090', 4));
    assert.deepEqual([fits, devices, asksForFewer], [false, 4, false]);
    assert.deepEqual(ways, [
      { settings: { adapter: 'lora', lora_rank: 16 }, devices: 4, hostBytes: 0, isOtherMethod: true },
    ]);
    assert.ok(shortBytes > 20e9);
  });

  it('over as many devices as there are rows in a batch, and more of them by layers', () => {
    const { layout } = fitOn(factsOf({ ...XXL, batch_size: 4 }), { devices: 8, machines: 1 }, choiceOf('a100-80', 8));
    assert.deepEqual(layout, { shard: 4, tensor: 2 });
  });

  it('by the layout that its file asks for', () => {
    const { memory, layout } = fitOn(
      factsOf(XXL, { shard: 2, tensor: 4 }),
      { devices: 8, machines: 1 },
      choiceOf('a100-80', 8),
    );
    assert.deepEqual(layout, { shard: 2, tensor: 4 });
    const { memory: sharded } = fitOn(factsOf(XXL), { devices: 8, machines: 1 }, choiceOf('a100-80', 8));
    assert.equal(memory.parts.weights, sharded.parts.weights);
    assert.ok(memory.parts.gathered < 0.3 * sharded.parts.gathered);
  });
});

describe('a fit', () => {
  const base = factsOf({ model: 'google/t5-v1_1-base' });

  it('takes as few devices as do', () => {
    const { fits, devices, asksForFewer, ways } = fitOn(base, ONE, choiceOf('l4', null));
    assert.deepEqual([fits, devices, asksForFewer, ways], [true, 1, false, []]);
  });

  it('takes no fewer devices than the file asks for', () => {
    assert.equal(fitOn(base, { devices: 2, machines: 2 }, choiceOf('l4', null)).devices, 4);
  });

  it('is none where there are fewer devices than the file asks for', () => {
    assert.equal(fitOn(base, { devices: 4, machines: 1 }, choiceOf('l4', 2)).fits, false);
  });

  it('is not known of a device whose memory nobody knows', () => {
    const { kind } = choiceOf('l4', null);
    assert.equal(fitOn(base, ONE, { kind: { ...kind, memoryBytes: 0 }, count: 1 }).fits, null);
  });

  it('is found first by what changes no result', () => {
    const xl = factsOf({ model: 'google/t5-v1_1-xl', batch_size: 8 }, { gradientCheckpointing: 'off' });
    const tight = { kind: { ...choiceOf('a100-80', 1).kind, memoryBytes: 49.75e9 }, count: 1 };
    const { fits, ways } = fitOn(xl, ONE, tight);
    assert.equal(fits, false);
    assert.deepEqual(ways[0], {
      settings: { gradient_checkpointing: 'on' },
      devices: 1,
      hostBytes: 0,
      isOtherMethod: false,
    });
    assert.deepEqual(ways.at(-1)?.settings, { adapter: 'lora', lora_rank: 16 });
  });
});
