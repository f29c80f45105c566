import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';
import { DATASETS } from '../support/tiny-sweep.js';

const MODEL = join(REPOSITORY, 'sweeps/models/dispatch-t5');

/** A file with this grid, and how a command goes on it. */
async function tell(command: string, grid: string, { rest = '', flags = [] as readonly string[] } = {}) {
  using folder = temporaryFolder();
  const file = join(folder.path, 'grid.yaml');
  writeFileSync(file, `sweep: a\ngrid:\n  models: [${MODEL}]\n${grid}\ntrain: { init: random, max_steps: 1 }\n${rest}`);
  const env = { DSS_HOME: join(folder.path, 'home'), DSS_DATASETS: DATASETS };
  const { code, stderr } = await runDss([command, file, ...flags], { env });
  return { code, stderr: stderr.replaceAll(file, 'grid.yaml') };
}

describe('cells that cannot run', () => {
  for (const command of ['plan', 'sweep']) {
    it(`are mistakes with a place in the sweep file: dss ${command}`, async () => {
      const { code, stderr } = await tell(command, '  datasets: [dispatch, dipatch]\n  seeds: [0, 1]');
      assert.equal(code, 2);
      assert.match(
        stderr,
        /^error: grid\.yaml:4:24: 2 cells rejected: DATASET_MISSING: .*dipatch.*\n {2}.*did you mean dispatch\?/m,
      );
      assert.equal(/--skip-rejected/.test(stderr), command === 'sweep');
    });
  }

  it('are placed by the value that cannot be, wherever it is said, a default at the dataset', async () => {
    const grid = '  datasets: [dispatch]\n  subsample: [0.000001]';
    assert.match((await tell('plan', grid)).stderr, /^error: grid\.yaml:5:15: 1 cell rejected: .* after subsample/m);
    const rest = 'overrides:\n  - when: { datasets: dispatch }\n    set: { min_machines: 2 }\n';
    const { stderr } = await tell('plan', '  datasets: [dispatch]', { rest });
    assert.match(stderr, /^error: grid\.yaml:8:26: 1 cell rejected: SPEC_INVALID: min_machines: 2 is more/m);
  });

  it('are no mistakes where they are to be skipped', async () => {
    const grid = '  datasets: [dispatch, dipatch]';
    const { code, stderr } = await tell('plan', grid, { flags: ['--skip-rejected'] });
    assert.equal(code, 0);
    assert.match(stderr, /^grid\.yaml:4:24: 1 cell rejected: DATASET_MISSING/m);
  });

  it('are offered no flag to run the others when there are none', async () => {
    const { code, stderr } = await tell('sweep', '  datasets: [dipatch]');
    assert.equal(code, 2);
    assert.match(stderr, /^error: 1 of 1 cells cannot run; nothing was started\n$/m);
  });
});

describe('a sweep file without a cell that is left', () => {
  for (const command of ['plan', 'sweep']) {
    it(`is a mistake: dss ${command}`, async () => {
      const excluded = await tell(command, '  datasets: [dispatch]', { rest: 'exclude: [{ datasets: dispatch }]\n' });
      assert.equal(excluded.code, 2);
      assert.match(excluded.stderr, /^error: a: no cell is left to run: `exclude` takes out all of its cells$/m);
      const skipped = await tell(command, '  datasets: [dipatch]', { flags: ['--skip-rejected'] });
      assert.equal(skipped.code, 2);
      assert.match(skipped.stderr, /^error: a: no cell is left to run: all of its cells are rejected$/m);
    });

    it(`is told of an override that \`exclude\` leaves no cell: dss ${command}`, async () => {
      const rest = 'overrides: [{ when: { seeds: 1 }, set: { lr: 1 } }]\nexclude: [{ seeds: [0, 1] }]\n';
      const { stderr } = await tell(command, '  datasets: [dispatch]\n  seeds: [0, 1]', { rest });
      assert.match(stderr, /^grid\.yaml:7:21: overrides\[0\]\.when matches no cell that `exclude` leaves$/m);
    });
  }
});

describe('a plan whose time is not known', () => {
  it('says how to know it, where that was not asked for', async () => {
    const { code, stderr } = await tell('plan', '  datasets: [dispatch]');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^--probe trains 20 steps of each kind of trial here, and then knows the time$/m);
    const elsewhere = await tell('plan', '  datasets: [dispatch]', { flags: ['--device', 'h200'] });
    assert.doesNotMatch(elsewhere.stderr, /--probe/);
  });
});
