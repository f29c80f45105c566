import assert from 'node:assert/strict';
import { againstSeen } from '../../../orchestrator/core/cost/against-seen.js';
import {
  DEVICE_KINDS,
  type DeviceKind,
  kindNameOf,
  kindOfDevice,
} from '../../../orchestrator/core/cost/device-kinds.js';
import { sumOf } from '../../../orchestrator/core/cost/sums.js';
import { evaluationsOf, type Measured, predictTime, workOf } from '../../../orchestrator/core/cost/time.js';
import type { TrialSettings } from '../../../orchestrator/core/domain.js';
import { factsOf } from '../../support/planned-trials.js';

const { shape, settings } = factsOf({ model: 'google/t5-v1_1-large', precision: 'bf16', max_steps: 1_000 });
const FLOPS = { step: 18e12, training: 18e15, evaluation: 2e15 };

function kind(name: string): DeviceKind {
  const found = DEVICE_KINDS.get(name);
  assert.ok(found !== undefined);
  return found;
}

const measured = (flopsPerSecond: number, changes: Partial<Measured> = {}): Measured => ({
  device: 'a100-80',
  model: settings.model,
  precision: 'bf16',
  flopsPerSecond,
  startSeconds: 10,
  ...changes,
});

describe('the time of a trial', () => {
  const timeOn = (device: DeviceKind, past: readonly Measured[] = [], devices = 1) =>
    predictTime({ settings, shape, flops: FLOPS, devices }, device, past);

  it('is what products take at a part of the peak, and layers besides, where nothing was measured', () => {
    const { seconds = 0, from, mfu } = timeOn(kind('a100-80')) ?? {};
    const step = 18e12 / (312e12 * 0.35) + 48 * 0.001_05;
    assert.equal(from, 'assumed');
    assert.ok(Math.abs(seconds - (20 + 1_000 * step + 2e15 / (312e12 * 0.35))) < 1e-6);
    assert.ok(Math.abs((mfu ?? 0) - 18e12 / (312e12 * step)) < 1e-9);
  });

  /** Milliseconds of a step of 64 rows of cqa that an H200's kernels took, by bench/gpu_training.py, 2026-11-26. */
  const SEEN = [
    ['google/t5-v1_1-base', 'fp32', 5.21e12, 166.7],
    ['google/t5-v1_1-base', 'tf32', 5.21e12, 66.7],
    ['google/t5-v1_1-base', 'bf16', 5.21e12, 37.8],
    ['google/t5-v1_1-large', 'bf16', 18.09e12, 103.9],
  ] as const;
  for (const [model, precision, step, seen] of SEEN) {
    it(`is near what was seen of ${model} in ${precision}`, () => {
      const facts = factsOf({ model, precision, max_steps: 1_000_000 });
      const flops = { step, training: 1e6 * step, evaluation: 0 };
      const { seconds = 0 } = predictTime({ ...facts, flops, devices: 1 }, kind('h200'), []) ?? {};
      const ratio = seconds / 1_000 / seen;
      assert.ok(ratio > 0.9 && ratio < 1.1, String(ratio));
    });
  }

  it('is by the median of what the same model measured on the same device', () => {
    const past = [measured(50e12), measured(100e12), measured(1e12)];
    assert.deepEqual(timeOn(kind('a100-80'), past), { seconds: 10 + 20e15 / 50e12, from: 'measured', mfu: null });
  });

  it('is by trials with the same work, where there are some, in steps and evaluations', () => {
    const whole = { work: workOf(settings), stepSeconds: 0.2, evaluationSeconds: 3 };
    const past = [measured(50e12), measured(50e12, { whole }), measured(9e12, { whole, startSeconds: 12 })];
    const longer = { ...settings, max_steps: 500, eval_steps: 100 };
    const seconds = predictTime({ settings: longer, shape, flops: FLOPS, devices: 1 }, kind('a100-80'), past)?.seconds;
    assert.equal(seconds, 11 + 500 * 0.2 + evaluationsOf(longer) * 3);
    assert.deepEqual(
      [evaluationsOf({ ...longer, select: 'valid' }), evaluationsOf({ ...longer, select: 'compat' })],
      [6, 10],
    );
    const other = [measured(50e12, { whole: { ...whole, work: workOf({ ...settings, model_type: 'standard' }) } })];
    assert.equal(timeOn(kind('a100-80'), other)?.seconds, 10 + 20e15 / 50e12);
  });

  for (const changes of [{ device: 'h200' }, { model: 'other' }, { precision: 'fp32' as const }]) {
    it(`is not that of another one's: ${JSON.stringify(changes)}`, () => {
      assert.equal(timeOn(kind('a100-80'), [measured(50e12, changes)])?.from, 'assumed');
    });
  }

  it('of a shared model is not what one device measured', () => {
    const { seconds = 0, from } = timeOn(kind('a100-80'), [measured(50e12)], 4) ?? {};
    assert.equal(from, 'assumed');
    assert.ok(seconds < 0.55 * (timeOn(kind('a100-80'))?.seconds ?? 0));
  });

  it('is not known where neither the device nor its like is', () => {
    assert.equal(timeOn(kindOfDevice({ kind: 'cpu', name: 'a processor', memoryBytes: 2 ** 34 })), null);
  });

  it('of large steps has more of what is no product too', () => {
    const timeOf = (changes: Partial<TrialSettings>) => {
      const facts = factsOf({ max_steps: 1_000_000, ...changes });
      const flops = { step: 1, training: 1e6, evaluation: 0 };
      return predictTime({ ...facts, flops, devices: 1 }, kind('h200'), [])?.seconds ?? 0;
    };
    const ratio = (timeOf({ batch_size: 64, grad_steps: 8 }) - 20) / (timeOf({ batch_size: 64 }) - 20);
    assert.ok(Math.abs(ratio - 8) < 0.01, String(ratio));
    assert.equal(timeOf({ batch_size: 8 }), timeOf({ batch_size: 64 }));
  });

  it('of small steps is what their layers take', () => {
    const tiny = { step: 1e9, training: 1e12, evaluation: 0 };
    const { seconds = 0 } = predictTime({ settings, shape, flops: tiny, devices: 1 }, kind('h200'), []) ?? {};
    assert.ok(Math.abs(seconds - (20 + 1_000 * 48 * 0.001_05)) < 0.01, String(seconds));
  });
});

describe('a sum of costs', () => {
  it('has hours of all devices, and says what it leaves out', () => {
    const costs = [
      { trials: 2, fits: true, devices: 4, seconds: 1_800 },
      { trials: 3, fits: null, devices: 1, seconds: null },
      { trials: 1, fits: false, devices: 8, seconds: null },
    ];
    assert.deepEqual(sumOf(costs, 2.5), { trials: 6, deviceHours: 4, price: 10, doNotFit: 1, unknown: 3 });
    assert.equal(sumOf(costs, null).price, null);
  });
});

describe('a device that is there', () => {
  const NAMES: readonly (readonly [string, string | null])[] = [
    ['NVIDIA A100-SXM4-80GB', 'a100-80'],
    ['NVIDIA A100-PCIE-40GB', 'a100-40'],
    ['NVIDIA H100 80GB HBM3', 'h100-80'],
    ['NVIDIA H100 80GB HBM3 MIG 1g.10gb', null],
    ['NVIDIA H200', 'h200'],
    ['NVIDIA L4', 'l4'],
    ['NVIDIA L40S', null],
    ['NVIDIA GeForce RTX 4090', 'rtx4090'],
    ['AMD EPYC', null],
  ];
  for (const [name, expected] of NAMES) {
    it(`is known by its name or not at all: ${name}`, () => assert.equal(kindNameOf(name), expected));
  }

  it('keeps its own memory and takes the rest from the catalogue', () => {
    const found = kindOfDevice({ kind: 'cuda', name: 'NVIDIA L4', memoryBytes: 5 });
    assert.deepEqual([found.name, found.memoryBytes, found.peakFlops], ['l4', 5, kind('l4').peakFlops]);
  });
});

describe('a plan against what was seen', () => {
  it('is the median ratio of each kind, without what was not measured', () => {
    const seen = { plannedSeconds: 10, plannedBytes: 100 };
    assert.deepEqual(
      againstSeen([
        { kind: 'a', ...seen, seenSeconds: 20, seenBytes: 110 },
        { kind: 'b', plannedSeconds: null, plannedBytes: null, seenSeconds: 1, seenBytes: 1 },
        { kind: 'a', ...seen, seenSeconds: 10, seenBytes: 0 },
        { kind: 'a', ...seen, seenSeconds: 50, seenBytes: 90 },
      ]),
      [
        { kind: 'a', trials: 3, time: 2, memory: 1 },
        { kind: 'b', trials: 1, time: null, memory: null },
      ],
    );
  });
});
