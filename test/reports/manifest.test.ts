import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENGINE_VERSION, type SourceFile } from '../../orchestrator/core/domain.js';
import type { TrialRecord } from '../../orchestrator/core/records.js';
import { differences } from '../../orchestrator/reports/differences.js';
import { writeReport } from '../../orchestrator/reports/write-report.js';
import { temporaryFolder } from '../support/dss.js';
import { succeeded } from '../support/records.js';
import { CODE, reportParts } from '../support/report-sweep.js';

const file = (path: string, digit: string): SourceFile => ({
  path,
  sha256: digit.repeat(64),
  sizeBytes: 7,
  role: 'train',
});

function reading(record: TrialRecord, model: readonly SourceFile[], dataset: readonly SourceFile[]): TrialRecord {
  const { trial } = record;
  return {
    ...record,
    trial: { ...trial, model: { ...trial.model, files: model }, dataset: { ...trial.dataset, files: dataset } },
  };
}

async function manifestOf(folder: string, records?: readonly TrialRecord[]) {
  const { manifest } = await writeReport(folder, reportParts(records));
  return JSON.parse(readFileSync(manifest, 'utf8'));
}

describe('manifest.json', () => {
  it('has size and hash of every other file of the report, and how to make it again', async () => {
    using folder = temporaryFolder();
    const { files } = await manifestOf(folder.path);
    const names = readdirSync(folder.path, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));
    assert.deepEqual(
      files.map(({ name }: { name: string }) => name).sort(),
      names.filter((name) => name !== 'manifest.json').sort(),
    );
    for (const { name, size_bytes, sha256, made_by, one_number } of files) {
      const bytes = readFileSync(join(folder.path, name));
      assert.deepEqual(
        [name, size_bytes, sha256],
        [name, bytes.length, createHash('sha256').update(bytes).digest('hex')],
      );
      assert.match(made_by, /^dss (report s|results s --format csv)$/);
      assert.match(one_number, /^dss report s --number \S+$/);
    }
  });

  it('says what the report was made from', async () => {
    using folder = temporaryFolder();
    const train = [file('cqa/train.json', 'b')];
    const records = [
      reading(succeeded({}, { environment: { torch: '2', host: 'one' } }), [file('config.json', 'a')], train),
      reading(succeeded({ seed: 1 }, { environment: { host: 'two', torch: '2' } }), [file('config.json', 'a')], train),
      reading(succeeded({ seed: 2 }, { environment: { torch: '3' } }), [file('config.json', 'c')], train),
    ];
    const manifest = await manifestOf(folder.path, records);
    const described = (path: string, digit: string) => ({
      path,
      role: 'train',
      size_bytes: 7,
      sha256: digit.repeat(64),
    });
    assert.deepEqual(
      [manifest.dss_version, manifest.engine_version, manifest.sweep, manifest.trials, manifest.counts.succeeded],
      ['1.2.3', ENGINE_VERSION, 's', 3, 3],
    );
    assert.deepEqual(manifest.code, {
      control_plane: CODE.controlPlane,
      worker: CODE.worker,
      ran: [{ sha256: null, trials: 3 }],
    });
    assert.deepEqual(manifest.environments, [
      { environment: { torch: '2' }, trials: 2 },
      { environment: { torch: '3' }, trials: 1 },
    ]);
    // A model that changed between trials is there with both of its hashes.
    assert.deepEqual(manifest.models, [
      { name: 'models/tiny', files: [described('config.json', 'a'), described('config.json', 'c')] },
    ]);
    assert.deepEqual(manifest.datasets, [{ name: 'cqa', files: [described('cqa/train.json', 'b')] }]);
  });

  it('names the code that workers ran, of most trials first, and how many did not say', async () => {
    using folder = temporaryFolder();
    const [here, there] = ['a'.repeat(64), 'b'.repeat(64)];
    const records = [undefined, there, here, here].map((code, seed) =>
      succeeded({ seed }, { environment: { host: `h${seed}`, ...(code === undefined ? {} : { code }) } }),
    );
    const { code } = await manifestOf(folder.path, records);
    assert.deepEqual(code.ran, [
      { sha256: here, trials: 2 },
      { sha256: null, trials: 1 },
      { sha256: there, trials: 1 },
    ]);
  });

  it('is the same for the same results, and names no place of this machine', async () => {
    using one = temporaryFolder();
    using other = temporaryFolder();
    const manifest = await manifestOf(one.path);
    assert.deepEqual(manifest, await manifestOf(other.path));
    assert.doesNotMatch(JSON.stringify(manifest), /"\/|dss-test/);
  });
});

describe('the differences of two documents', () => {
  const written = { sweep: 's', cells: [{ mean: 0.25, sd: null }, { mean: 1 }] };
  const cases: readonly (readonly [unknown, readonly string[]])[] = [
    [written, []],
    [{ ...written, cells: [{ mean: 0.5, sd: null }, { mean: 1 }] }, ['cells[0].mean: 0.25, 0.5']],
    [{ ...written, cells: [{ mean: 0.25, sd: null }] }, ['cells[1]: {"mean":1}, nothing']],
    [{ ...written, more: [] }, ['more: nothing, []']],
    [{ ...written, cells: null }, ['cells: [{"mean":0.25,"sd":null},{"mean":1}], null']],
  ];
  for (const [now, expected] of cases) {
    it(`are ${expected.join() || 'none'} for ${JSON.stringify(now)}`, () => {
      const found = [...differences(written, now)].map(({ place, first, second }) => `${place}: ${first}, ${second}`);
      assert.deepEqual(found, expected);
    });
  }
});
