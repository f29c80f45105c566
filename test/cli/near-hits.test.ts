import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { nearHitLines } from '../../orchestrator/cli/plan/near-hits.js';
import { startDss, temporaryFolder } from '../support/dss.js';
import { ScriptedPython } from '../support/scripted-python.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

describe('a result from another environment', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let python: ScriptedPython;

  beforeEach(() => {
    folder = temporaryFolder();
    python = new ScriptedPython(folder.path);
  });

  afterEach(() => folder[Symbol.dispose]());

  const run = async (seeds: readonly number[], torch: string, reuse = '') => {
    const path = writeTinySweep(folder.path, { seeds });
    if (reuse !== '') appendFileSync(path, `run:\n  reuse: ${reuse}\n`);
    const env = { ...python.env, DSS_HOME: join(folder.path, 'home'), DSS_DATASETS: DATASETS };
    const words = ['sweep', path, '--workers', '1', '--extend'];
    const { code, stderr } = await startDss(words, { env: { ...env, SCRIPTED_AGENT_TORCH: torch } }).finished;
    assert.equal(code, 0, stderr);
    return stderr;
  };
  const begun = () => [...python.begun.values()].toSorted();

  it('is shown and counts, unless the sweep wants none', async () => {
    await run([0], '2.13.1');
    const stderr = await run([0, 1], '2.15.0');
    assert.match(stderr, /2 results from another environment: torch 2\.13\.1 instead of 2\.15\.0/);
    assert.match(stderr, /they count; with `reuse: same-environment` below `run` they are run again/);
    assert.deepEqual(begun(), [1, 1, 1, 1]);
  });

  it('is run again where the sweep wants none, and no other is', async () => {
    await run([0], '2.13.1');
    const stderr = await run([0, 1], '2.15.0', 'same-environment');
    assert.match(stderr, /they are run again/);
    assert.deepEqual(begun(), [1, 1, 2, 2]);
  });

  it('is shown by a plan, before anything runs', async () => {
    await run([0], '2.13.1');
    await run([0, 1], '2.15.0');
    const path = writeTinySweep(folder.path, { seeds: [0, 1] });
    const env = { ...python.env, DSS_HOME: join(folder.path, 'home'), DSS_DATASETS: DATASETS };
    const { stdout, stderr } = await startDss(['plan', path, '--json'], { env }).finished;
    assert.match(stderr, /2 results from another environment: torch 2\.13\.1 instead of 2\.15\.0/);
    assert.deepEqual(JSON.parse(stdout).near_hits, [{ difference: 'torch 2.13.1 instead of 2.15.0', results: 2 }]);
  });

  for (const reuse of ['any', 'same-environment']) {
    it(`is shown where nobody waits for the sweep, which says reuse: ${reuse}`, async () => {
      await run([0], '2.13.1');
      await run([1], '2.15.0');
      const home = join(folder.path, 'home');
      const env = { ...python.env, DSS_HOME: home, DSS_DATASETS: DATASETS, SCRIPTED_AGENT_TORCH: '2.15.0' };
      const serving = startDss(['serve', '--listen', '127.0.0.1:0', '--workers', '1'], { env });
      await serving.lineOnStderr((line) => line.includes('dss worker'));
      const path = writeTinySweep(folder.path, { seeds: [0, 1] });
      appendFileSync(path, `run:\n  reuse: ${reuse}\n`);
      const { code, stderr } = await startDss(['sweep', path, '--detach', '--extend'], { env }).finished;
      assert.equal(code, 0, stderr);
      assert.match(stderr, /2 results from another environment: torch 2\.13\.1 instead of 2\.15\.0/);
      assert.match(stderr, reuse === 'any' ? /they count/ : /they are run again/);
      if (reuse === 'any') assert.deepEqual(begun(), [1, 1, 1, 1]);
      else assert.equal((await startDss(['watch', 'tiny'], { env }).finished).code, 0);
      serving.process.kill('SIGTERM');
      await serving.finished;
      if (reuse !== 'any') assert.deepEqual(begun(), [1, 1, 2, 2]);
    });
  }

  it('is counted with those that differ in the same', () => {
    const hits = ['torch 2', 'torch 3', 'torch 2'].map((difference, index) => ({ trialId: `${index}`, difference }));
    assert.deepEqual(nearHitLines(hits), [
      '2 results from another environment: torch 2',
      '1 result from another environment: torch 3',
    ]);
  });
});
