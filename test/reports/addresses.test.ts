import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { addressOf, membersOf, rowAddresses, valueAt } from '../../orchestrator/reports/addresses.js';
import { csvLine } from '../../orchestrator/reports/csv.js';
import { differences } from '../../orchestrator/reports/differences.js';
import { numberAt } from '../../orchestrator/reports/number-at.js';
import { summaryValue } from '../../orchestrator/reports/summary-json.js';
import { writeReport } from '../../orchestrator/reports/write-report.js';
import { temporaryFolder } from '../support/dss.js';
import { succeeded } from '../support/records.js';
import { reportParts, reportRecords } from '../support/report-sweep.js';

/** Every number, text and null of a document, by its address. */
function* leaves(value: unknown, place = ''): Generator<readonly [string, unknown]> {
  const members = membersOf(value);
  if (members === null) yield [place, value];
  else for (const [name, member] of members) yield* leaves(member, addressOf(place, name));
}

describe('an address', () => {
  const document = {
    cells: [
      { id: 'a', mean: 0.5, pairs: [{ x: 1 }, { x: 2 }] },
      { id: 'b', mean: null },
    ],
    parameters: { 'google/t5-v1.1-xxl': 11, 'google/t5-v1': { '1-xxl': 12 } },
  };

  const found: readonly (readonly [string, unknown])[] = [
    ['', document],
    ['cells.a.mean', 0.5],
    ['cells.b.mean', null],
    ['cells.a.pairs[1].x', 2],
    ['parameters.google/t5-v1.1-xxl', 11],
    ['cells.c', undefined],
    ['cells.a.mean.more', undefined],
    ['cells[0]', undefined],
    ['cells.a.', undefined],
    ['cell', undefined],
    ['cells.a.pairs[2]', undefined],
    ['constructor', undefined],
    ['__proto__', undefined],
  ];
  for (const [address, value] of found) {
    it(`${address === '' ? 'of nothing' : address} ${value === undefined ? 'leads nowhere' : 'is found'}`, () => {
      assert.deepEqual(valueAt(document, address), value);
    });
  }

  it('names the rows of lists that have names, and other parts as a whole', () => {
    assert.deepEqual(rowAddresses({ ...document, sweeps: ['s'], trials: 3 }), [
      'cells.a',
      'cells.b',
      'parameters',
      'sweeps',
      'trials',
    ]);
  });

  it('stays that of its row when a document grows before it', () => {
    const [first, second] = document.cells;
    const grown = { ...document, cells: [{ id: '0', mean: 1 }, { ...first, mean: 0.75 }, second] };
    assert.deepEqual(
      [...differences(document, grown)].map(({ place }) => place),
      ['cells.a.mean', 'cells.0'],
    );
  });
});

describe('every number of a report', () => {
  it('has an address of its own in summary.json, by which it is found again', () => {
    const parts = reportParts();
    const summary: unknown = JSON.parse(JSON.stringify(summaryValue(parts.report)));
    const all = [...leaves(summary)];
    assert.ok(all.length > 500);
    assert.equal(new Set(all.map(([address]) => address)).size, all.length);
    for (const [address, value] of all) assert.deepEqual(numberAt(parts, address) ?? null, value, address);
  });

  it('has rows with ids wherever its summary lists any', () => {
    const records = [...reportRecords(), ...reportRecords().map((record) => onSvamp(record))];
    const summary = JSON.parse(JSON.stringify(summaryValue(reportParts(records).report)));
    for (const name of ['cells', 'over_datasets', 'comparisons', 'teachers', 'planned', 'failures']) {
      const ids = summary[name].map(({ id }: { id?: unknown }) => id);
      assert.ok(ids.length > 0 && ids.every((id: unknown) => typeof id === 'string' && /^[\w-]+$/.test(id)), name);
      assert.equal(new Set(ids).size, ids.length, name);
    }
  });

  it('is printed by the command that the manifest has, as the file has it', async () => {
    using folder = temporaryFolder();
    const parts = reportParts();
    const files = await writeReport(folder.path, parts);
    const summary: unknown = JSON.parse(readFileSync(files.summary, 'utf8'));
    const { numbers } = JSON.parse(readFileSync(files.manifest, 'utf8'));
    assert.ok(numbers.length > 20);
    for (const { address, command } of numbers) {
      assert.equal(command, `dss report s --number ${address}`);
      assert.deepEqual(JSON.parse(JSON.stringify(numberAt(parts, address))), valueAt(summary, address));
    }
    const [header = '', first = ''] = readFileSync(files.csv, 'utf8').split('\r\n');
    const id = first.split(',')[0] ?? '';
    const fields = header.split(',').map((name) => numberAt(parts, `results.${id}.${name}`));
    assert.equal(csvLine(fields.map((field) => (field === null ? null : String(field)))), first);
    const logged = readFileSync(files.evaluations, 'utf8').split('\n')[2] ?? '';
    assert.equal(numberAt(parts, `results.${id}.logged[2].accuracy`), JSON.parse(logged).accuracy);
  });

  it('is found in figures too, as their files have it', async () => {
    using folder = temporaryFolder();
    const parts = reportParts();
    const { figures } = await writeReport(folder.path, parts);
    const lines = readFileSync(`${figures}/data-0.csv`, 'utf8').split('\r\n');
    const [name = '', kind, x, y] = (lines[1] ?? '').split(',');
    const place = 'figures.data-0.series[0]';
    assert.equal(kind, 'mean');
    assert.deepEqual(
      ['name', 'points[0].x', 'points[0].y'].map((part) => String(numberAt(parts, `${place}.${part}`))),
      [name, x, y],
    );
  });

  it('has the command of its row on the page', async () => {
    using folder = temporaryFolder();
    const parts = reportParts();
    const page = readFileSync((await writeReport(folder.path, parts)).page, 'utf8');
    const printed = [...page.matchAll(/>dss report s --number ([^<]+)<\/td>/g)].map(([, address = '']) => address);
    const { cells, comparisons, teachers } = parts.report;
    assert.equal(printed.length, cells.length + comparisons.length + teachers.length);
    assert.equal(new Set(printed).size, printed.length);
    for (const address of printed) assert.notEqual(numberAt(parts, address), undefined, address);
  });

  it('is named beside its row in tables.tex', async () => {
    using folder = temporaryFolder();
    const parts = reportParts();
    const { latex } = await writeReport(folder.path, parts);
    const text = readFileSync(latex, 'utf8');
    const named = [...text.matchAll(/ \\\\ % (\S+)$/gm)].map(([, address = '']) => address);
    const { cells, comparisons } = parts.report;
    assert.deepEqual(named, [
      ...cells.map(({ id }) => `cells.${id}`),
      ...comparisons.map(({ candidate, baseline }) => `comparisons.${candidate.id}-${baseline.id}`),
    ]);
    // The row of a cell, and not of another.
    const [mean] = /\d+\.\d\d(?= \$)/.exec(text.split('\n').find((line) => line.endsWith(`% ${named[3]}`)) ?? '') ?? [];
    assert.equal(mean, (100 * Number(numberAt(parts, `${named[3]}.test_accuracy.mean`))).toFixed(2));
  });

  for (const address of [
    'results',
    'results.0',
    `results.${succeeded({}).trial.trialId.slice(1)}`,
    'figures.none',
    'x',
  ]) {
    it(`is not found at ${address}`, () => assert.equal(numberAt(reportParts(), address), undefined));
  }
});

function onSvamp(record: ReturnType<typeof succeeded>): ReturnType<typeof succeeded> {
  const { trial } = record;
  return {
    ...record,
    trial: {
      ...trial,
      trialId: `${trial.trialId.slice(0, -1)}${trial.trialId.endsWith('0') ? '1' : '0'}`,
      settings: { ...trial.settings, dataset: 'svamp' },
    },
  };
}
