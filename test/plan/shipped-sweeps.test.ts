import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expandGrid } from '../../orchestrator/core/sweep/grid.js';
import { readSweepFile } from '../../orchestrator/sources/read-sweep-file.js';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';

const SWEEPS = join(REPOSITORY, 'sweeps');
const FILES = readdirSync(SWEEPS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));

describe('a sweep file that is shipped', () => {
  for (const file of FILES) {
    it(`is right: ${file}`, async () => {
      const { spec } = await readSweepFile(join(SWEEPS, file));
      assert.ok([...expandGrid(spec)].length > 0);
    });
  }

  it("has the replication's batch sizes", async () => {
    const found: Record<string, readonly number[]> = {};
    for (const name of ['esnli', 'anli1', 'cqa']) {
      const { spec } = await readSweepFile(join(SWEEPS, 'replication', `${name}.yaml`));
      const cells = [...expandGrid(spec)];
      assert.equal(cells.length, 12);
      found[name] = cells.filter((_, i) => i % 4 === 0).map(({ settings }) => settings.batch_size);
    }
    assert.deepEqual(found, { esnli: [64, 64, 16], anli1: [64, 32, 8], cqa: [64, 64, 16] });
  });
});

describe('a sweep file that a page shows', () => {
  for (const page of ['README.md', 'docs/sweep-file.md']) {
    it(`is right, and each part of it has an effect: ${page}`, async () => {
      using folder = temporaryFolder();
      const blocks = [...readFileSync(join(REPOSITORY, page), 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)];
      const sweeps = blocks.flatMap(([, text = '']) => (/^sweep:/m.test(text) ? [text] : []));
      for (const text of sweeps) {
        const file = join(folder.path, 'grid.yaml');
        writeFileSync(file, text);
        const { spec, notices } = await readSweepFile(file);
        assert.ok([...expandGrid(spec)].length > 0);
        assert.deepEqual(notices, []);
      }
      assert.ok(sweeps.length > 0);
    });
  }
});

describe('the whole replication', () => {
  it('names every model and dataset that is missing and where to put it, before anything starts', () => {
    using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    const args = ['--import', import.meta.resolve('tsx'), 'execute.ts', '--plan', '--home', home];
    const { status, stderr } = spawnSync(process.execPath, [...args, '--datasets', folder.path], {
      cwd: REPOSITORY,
      encoding: 'utf8',
      env: { ...process.env, HF_HOME: folder.path, HF_HUB_OFFLINE: '1', NO_COLOR: '1' },
    });
    assert.equal(status, 2, stderr);
    for (const size of ['small', 'base', 'large'])
      assert.ok(stderr.includes(`google/t5-v1_1-${size} cannot be had`), stderr);
    assert.ok(stderr.includes(`in ${join(SWEEPS, 'replication/google/t5-v1_1-small')}`), stderr);
    for (const name of ['esnli', 'anli1', 'cqa']) assert.ok(stderr.includes(`no dataset "${name}"`), stderr);
    assert.match(stderr, /96 of 96 cells cannot run; nothing was started/);
    assert.equal(existsSync(join(home, 'journal.db')), false);
  });
});
