import assert from 'node:assert/strict';
import type { TrialResult } from '../../orchestrator/core/domain.js';
import { devicePeaks } from '../../orchestrator/reports/device-peaks.js';
import { foldMeasures, measuresOf } from '../../orchestrator/reports/measures.js';
import { failed, resultOf, succeeded, UNMEASURED } from '../support/records.js';

describe('measures', () => {
  it('over seeds are means, of memory the most', () => {
    const measures = [
      measuresOf(resultOf({ examplesPerSecond: 10, mfuUseful: 0.2, peakMemoryBytes: 100, predictedMemoryBytes: 7 })),
      measuresOf(resultOf({ examplesPerSecond: 30, mfuUseful: 0.4, peakMemoryBytes: 50, predictedMemoryBytes: 9 })),
    ];
    const { examplesPerSecond, mfuUseful, peakMemoryBytes, predictedMemoryBytes } = foldMeasures(measures);
    assert.equal(examplesPerSecond.mean, 20);
    assert.ok(Math.abs((mfuUseful.mean ?? 0) - 0.3) < 1e-12);
    assert.deepEqual([peakMemoryBytes, predictedMemoryBytes], [100, 9]);
  });

  it('that an older engine did not take are absent and in no mean', () => {
    const old = measuresOf(resultOf(UNMEASURED));
    const { examplesPerSecond, resumedStep, ...others } = old;
    assert.deepEqual([examplesPerSecond, resumedStep], [80, 0]);
    for (const [name, value] of Object.entries(others)) assert.equal(value, null, name);
    const { mfuUseful, peakMemoryBytes } = foldMeasures([old, measuresOf(resultOf({ mfuUseful: 0.5 }))]);
    assert.deepEqual(mfuUseful, { n: 1, mean: 0.5, sd: null });
    assert.equal(peakMemoryBytes, 2 ** 30);
    assert.equal(foldMeasures([old]).peakMemoryBytes, null);
  });

  it('are absent, too, where a result does not have their fields at all', () => {
    const { mfuUseful, peakMemoryBytes, peakFlopsSource, ...without } = resultOf();
    const measures = measuresOf(without as TrialResult);
    assert.deepEqual([measures.mfuUseful, measures.peakMemoryBytes, measures.peakFlopsSource], [null, null, null]);
  });
});

describe('peaks of devices', () => {
  it('are told apart by device, precision and source, with the range of what was measured', () => {
    const peak = (device_name: string, peakFlops: number, peakFlopsSource = 'measured') =>
      succeeded({}, { environment: { device_name }, peakFlops, peakFlopsSource });
    const found = devicePeaks([peak('a', 3e11), peak('a', 1e11), peak('b', 1e14, 'vendor'), failed({})]);
    assert.deepEqual(found, [
      { device: 'a', precision: 'fp32', source: 'measured', least: 1e11, most: 3e11 },
      { device: 'b', precision: 'fp32', source: 'vendor', least: 1e14, most: 1e14 },
    ]);
  });

  it('are not made up where nobody measured', () => {
    assert.deepEqual(devicePeaks([succeeded({}, UNMEASURED)]), []);
  });
});
