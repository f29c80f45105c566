import assert from 'node:assert/strict';
import {
  capitalized,
  counted,
  differencesText,
  duration,
  gibibytes,
  intervalText,
  percentSample,
  rate,
  signedPercentSample,
} from '../../orchestrator/reports/format.js';

describe('numbers for people', () => {
  const durations: readonly [number | null, string][] = [
    [null, '–'],
    [Number.NaN, '–'],
    [0, '0.0 s'],
    [8.44, '8.4 s'],
    [59.94, '59.9 s'],
    [59.96, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3_599.6, '1 h 00 min'],
    [7_620, '2 h 07 min'],
    [273_600, '3 d 04 h'],
  ];
  for (const [seconds, text] of durations) {
    it(`say "${text}" for ${seconds} seconds`, () => assert.equal(duration(seconds), text));
  }

  it('say a mean without a spread when there is none', () => {
    assert.equal(percentSample({ n: 1, mean: 0.61254, sd: null }), '61.25');
    assert.equal(percentSample({ n: 2, mean: 0.61254, sd: 0.0103 }), '61.25 ± 1.03');
    assert.equal(percentSample({ n: 0, mean: null, sd: null }), '–');
  });

  it('give differences a sign', () => {
    assert.equal(signedPercentSample({ n: 2, mean: 0.1, sd: 0.01 }), '+10.00 ± 1.00');
    assert.equal(signedPercentSample({ n: 1, mean: -0.1, sd: null }), '−10.00');
  });

  it('say how far differences go, and not from a number to itself', () => {
    assert.equal(differencesText([-0.1, 0.235]), 'differences go from −10.00 to +23.50 points');
    assert.equal(differencesText([0.235, 0.235]), 'all differences are +23.50 points');
    assert.equal(differencesText([0.235]), 'the difference is +23.50 points');
  });

  it('give both ends of an interval one kind of sign', () =>
    assert.equal(intervalText({ low: -0.1869, high: -0.0269 }), '−18.69 to −2.69'));

  it('count in words', () =>
    assert.deepEqual([counted(1, 'trial'), counted(1_200, 'trial')], ['1 trial', '1,200 trials']));

  const rates: readonly [number | null, string][] = [
    [null, '–'],
    [Number.NaN, '–'],
    [0.41234, '0.412'],
    [16, '16.0'],
    [99.9, '99.9'],
    [12_345.6, '12,346'],
  ];
  for (const [perSecond, text] of rates) {
    it(`say "${text}" for ${perSecond} a second`, () => assert.equal(rate(perSecond), text));
  }

  it('give memory in GiB', () => assert.deepEqual([gibibytes(1.5 * 2 ** 30), gibibytes(null)], ['1.50 GiB', '–']));

  it('begin a sentence', () => assert.deepEqual([capitalized('step-by-step'), capitalized('')], ['Step-by-step', '']));
});
