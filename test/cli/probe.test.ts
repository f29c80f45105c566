import assert from 'node:assert/strict';
import { probeTrials } from '../../orchestrator/cli/plan/probe.js';
import type { Trial } from '../../orchestrator/core/domain.js';
import { SweepError } from '../../orchestrator/core/errors.js';
import { runDss, temporaryFolder } from '../support/dss.js';
import { trialOf } from '../support/records.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

const SEEN = {
  device: 'NVIDIA H200',
  steps: 20,
  flops_per_second: 1e12,
  examples_per_second: 200,
  start_seconds: 9,
  peak_memory_bytes: 2 ** 30,
  predicted_memory_bytes: 2 ** 30,
  process_memory_bytes: 0,
};

describe('dss plan --probe', () => {
  it('takes one trial of each model and precision, and one that is here where it can', async () => {
    const trials = [{ seed: 0 }, { seed: 1 }, { seed: 2, precision: 'bf16' as const }].map((each) => trialOf(each));
    const asked: Trial[] = [];
    const { measured } = await probeTrials(
      trials,
      ({ settings }) => settings.seed > 0,
      async (trial) => {
        asked.push(trial);
        return SEEN;
      },
    );
    assert.deepEqual(
      asked.map(({ settings }) => settings.seed),
      [1, 2],
    );
    assert.deepEqual(
      measured.map(({ device, precision, flopsPerSecond, startSeconds }) => [
        device,
        precision,
        flopsPerSecond,
        startSeconds,
      ]),
      [
        ['h200', 'fp32', 1e12, 9],
        ['h200', 'bf16', 1e12, 9],
      ],
    );
  });

  it('says of what it could not try why', async () => {
    const trials = [trialOf({ seed: 0 }), trialOf({ seed: 1, precision: 'bf16' })];
    const { measured, lines } = await probeTrials(
      trials,
      ({ settings }) => settings.seed === 1,
      async () => {
        throw new SweepError('MODEL_INVALID', 'its config says so');
      },
    );
    assert.deepEqual(measured, []);
    assert.match(lines[0] ?? '', /in fp32: not tried, its files are not here$/);
    assert.match(lines[1] ?? '', /in bf16: not measured: MODEL_INVALID: its config says so$/);
  });

  it('trains here, and plans by what it saw', async () => {
    using folder = temporaryFolder();
    const file = writeTinySweep(folder.path, { methods: ['standard'], seeds: [0], maxSteps: 5_000 });
    const env = { DSS_HOME: folder.path, DSS_DATASETS: DATASETS };
    const { code, stdout, stderr } = await runDss(['plan', file, '--probe', '--json'], { env });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /probe: .*dispatch-t5 in fp32: 20 steps, [\d.,]+ examples\/s/);
    const { cost } = JSON.parse(stdout) as { cost: { kinds: { places: { time_from: string | null }[] }[] } };
    assert.equal(cost.kinds[0]?.places[0]?.time_from, 'measured');
  });
});
