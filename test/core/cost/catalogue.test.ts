/** The catalogue of devices and the worker's table of peaks are two lists of the same numbers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEVICE_KINDS } from '../../../orchestrator/core/cost/device-kinds.js';
import { REPOSITORY } from '../../support/dss.js';

const TABLE = readFileSync(join(REPOSITORY, 'worker-python/dss_worker/training/peak_flops.py'), 'utf8');

/** By words of a device's name. */
function workersPeaks(words: string): Readonly<Record<string, number>> {
  const line = TABLE.split('\n').find((each) => each.includes(`frozenset({${words}})`));
  assert.ok(line !== undefined, `the worker knows no ${words}`);
  return Object.fromEntries(
    [...line.matchAll(/"(fp32|tf32|bf16)": ([\d.]+)/g)].map(([, precision = '', tera]) => [precision, Number(tera)]),
  );
}

describe('the catalogue of devices', () => {
  const SAME: readonly (readonly [string, string])[] = [
    ['a100-40', '"A100"'],
    ['a100-80', '"A100"'],
    ['h100-80', '"H100", "HBM3"'],
    ['h200', '"H200"'],
    ['a10g', '"A10G"'],
    ['l4', '"L4"'],
  ];
  for (const [name, words] of SAME) {
    it(`has the peaks that the worker has: ${name}`, () => {
      const peaks = Object.entries(DEVICE_KINDS.get(name)?.peakFlops ?? {});
      assert.deepEqual(
        Object.fromEntries(peaks.map(([precision, flops]) => [precision, flops / 1e12])),
        workersPeaks(words),
      );
    });
  }

  it('says where each number is from', () => {
    for (const { source } of DEVICE_KINDS.values()) assert.notEqual(source, '');
  });
});
