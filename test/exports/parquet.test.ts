/** Parquet files, read by pandas and pyarrow. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ParquetColumn, parquetFile } from '../../orchestrator/exports/parquet.js';
import { runDss, temporaryFolder } from '../support/dss.js';
import { askScript, toolEnvironment } from '../support/python-tools.js';
import { accuracyOf, FAILED, measuredBy, SWEEP, TRIALS, writeTrackedSweep } from '../tracking/support/tracked-sweep.js';

interface ReadTable {
  readonly rows: number;
  readonly types: Readonly<Record<string, string>>;
  readonly nulls: Readonly<Record<string, number>>;
  readonly groups: number;
  /** Of the first fifty rows, as Python writes them. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly mean_by_method: Readonly<Record<string, string>>;
}

const COLUMNS: readonly ParquetColumn[] = [
  { name: 'name', kind: 'text' },
  { name: 'count', kind: 'whole' },
  { name: 'share', kind: 'real' },
];

describe('a Parquet file', () => {
  const folder = temporaryFolder();
  let python: string;

  before(function () {
    // MLflow brings pandas and pyarrow.
    python = join(toolEnvironment(this, 'mlflow'), 'python');
  });
  after(() => folder[Symbol.dispose]());

  const read = (path: string) =>
    askScript(python, new URL('../tracking/support/read_parquet.py', import.meta.url), [path]) as ReadTable;
  const readBytes = (bytes: Uint8Array) => {
    const path = join(folder.path, 'table.parquet');
    writeFileSync(path, bytes);
    return read(path);
  };

  it('gives back every value, absent ones and those that are no finite number among them', () => {
    const table = readBytes(
      parquetFile(COLUMNS, [
        ['a', 1, 0.1],
        ['ï "\n😀', 2 ** 32 - 1, Number.NaN],
        ['', -(2 ** 53) + 1, Number.POSITIVE_INFINITY],
        [null, undefined, null],
        ['e', 0, -0],
        ['f', 1, Number.MIN_VALUE],
      ]),
    );
    assert.deepEqual(table.types, { name: 'string', count: 'int64', share: 'double' });
    assert.deepEqual(table.values, {
      name: ["'a'", `'ï "\\n😀'`, "''", 'None', "'e'", "'f'"],
      count: ['1', '4294967295', '-9007199254740991', 'None', '0', '1'],
      share: ['0.1', 'nan', 'inf', 'None', '-0.0', '5e-324'],
    });
  });

  it('has its types whatever the rows are: none, or absent values only', () => {
    for (const rows of [[], [[null, null, null]]]) {
      const { types, rows: count } = readBytes(parquetFile(COLUMNS, rows));
      assert.deepEqual([types, count], [{ name: 'string', count: 'int64', share: 'double' }, rows.length]);
    }
  });

  it('is written in groups of rows, so that no reader takes all of it', () => {
    const rows = Array.from({ length: 120_000 }, (_, row) => [`trial ${row % 7}`, row, row / 3]);
    const { rows: count, groups, nulls } = readBytes(parquetFile(COLUMNS, rows));
    assert.deepEqual([count, groups, nulls], [120_000, 3, { name: 0, count: 0, share: 0 }]);
  });

  for (const [value, message] of [
    [[1, 1.5, 1], 'column count: expected a whole number, got 1.5'],
    [[1, 2 ** 53, 1], 'column count: expected a whole number, got 9007199254740992'],
    [[1, 1, 'x'], 'column share: expected a number, got "x"'],
  ] as const) {
    it(`is not made of ${JSON.stringify(value)}`, () => {
      assert.throws(() => parquetFile(COLUMNS, [value]), { name: 'TypeError', message });
    });
  }

  it('of results is what pandas needs to take means by method', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path);
    const path = join(folder.path, 'trials.parquet');
    const { code, stdout } = await runDss([
      'results',
      SWEEP,
      '--format',
      'parquet',
      '--out',
      path,
      '--home',
      home.path,
    ]);
    assert.deepEqual([code, stdout], [0, '']);
    const { types, values, mean_by_method, rows } = read(path);
    assert.equal(rows, TRIALS.length);
    assert.deepEqual(
      ['id', 'seed', 'alpha', 'lr', 'lora_rank', 'test_accuracy', 'peak_memory_bytes', 'environment_torch'].map(
        (name) => types[name],
      ),
      ['string', 'int64', 'double', 'double', 'int64', 'double', 'int64', 'string'],
    );
    assert.deepEqual(
      values['test_accuracy'],
      TRIALS.map((_, place) => (place === FAILED ? 'None' : String(accuracyOf(place)).replace(/^(\d)$/, '$1.0'))),
    );
    const mean = (accuracyOf(0) + accuracyOf(1) + accuracyOf(2)) / 3;
    assert.ok(Math.abs(Number(mean_by_method['standard']) - mean) < 1e-15);
    // On stdout, the same bytes.
    const report = join(folder.path, 'report');
    assert.equal((await runDss(['report', SWEEP, '--out', report, '--home', home.path])).code, 0);
    assert.deepEqual(readFileSync(join(report, 'trials.parquet')), readFileSync(path));
  });

  it('of evaluations has a row for everything that was logged', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path);
    const path = join(folder.path, 'evaluations.parquet');
    const words = ['results', SWEEP, '--format', 'parquet', '--evaluations', '--out', path, '--home', home.path];
    assert.equal((await runDss(words)).code, 0);
    const { rows, values } = read(path);
    const { training, evaluations } = measuredBy(0);
    assert.equal(rows, TRIALS.length * (training.length + evaluations.length));
    const first = (name: string) => values[name]?.slice(0, 5);
    assert.deepEqual(first('split'), ["'train'", "'train'", "'valid'", "'valid'", "'test'"]);
    assert.deepEqual(first('loss'), ['3.0', '2.5', '1.25', '1.25', '1.5']);
    assert.deepEqual(first('accuracy'), ['None', 'None', '0.25', '0.5', '0.5']);
    assert.ok(values['loss']?.includes('nan'), 'a loss that is no number stays one that is none');
    const csv = await runDss(['results', SWEEP, '--format', 'csv', '--evaluations', '--home', home.path]);
    assert.equal(csv.stdout.trim().split('\r\n').length, 1 + rows);
  });

  it('is not asked for where the format has none', async () => {
    const { code, stderr } = await runDss(['results', SWEEP, '--evaluations']);
    assert.deepEqual(
      [code, stderr],
      [2, 'error: --evaluations: expected --format csv or parquet, got table\n  --format json has them already\n'],
    );
  });
});
