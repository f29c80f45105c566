import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expandGrid } from '../../orchestrator/core/sweep/grid.js';
import { SpecError } from '../../orchestrator/core/sweep/spec-error.js';
import { readSweepFile } from '../../orchestrator/sources/read-sweep-file.js';
import { temporaryFolder } from '../support/dss.js';

const EXAMPLE = `sweep: cqa-methods
grid:                                  # every key is an axis; the trials are their product
  models: [google/t5-v1_1-small, ./models/my-t5]   # hub name or directory
  datasets: [cqa, svamp]
  label_type: [gt, llm]
  model_type: [standard, task_prefix]
  seeds: [0, 1, 2]
  subsample: [0.25, 1.0]               # any setting of train may be an axis too
train:
  llm: palm
  alpha: 0.5
  max_steps: 10000
overrides:
  - when: { models: ./models/my-t5, datasets: [svamp, cqa] }
    set: { batch_size: 16 }
exclude:
  - { datasets: svamp, label_type: llm }
compare:
  - model_type: [task_prefix, standard]
    where: { datasets: cqa, subsample: 1.0 }
run: { on: local, workers: auto }
`;

async function read(content: string | Buffer) {
  using folder = temporaryFolder();
  const file = join(folder.path, 'x.yaml');
  writeFileSync(file, content);
  return { ...(await readSweepFile(file)), folder: folder.path };
}

/** The places and messages of all mistakes. */
async function issuesOf(content: string | Buffer): Promise<readonly string[]> {
  try {
    await read(content);
  } catch (error) {
    assert.ok(error instanceof SpecError, String(error));
    return error.issues.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
  }
  return [];
}

describe('a sweep file', () => {
  it('gives a spec and the folder that its relative paths start at', async () => {
    const { spec, directory, folder } = await read(EXAMPLE);
    assert.equal(directory, folder);
    // 2 models × 2 datasets × 2 × 2 × 2 sizes × 3 seeds, without svamp's llm labels.
    assert.equal([...expandGrid(spec)].length, 96 - 24);
    assert.deepEqual(spec.overrides[0]?.set, { batch_size: 16 });
    assert.deepEqual(spec.compare[0]?.where, { dataset: ['cqa'], subsample: [1] });
  });

  it('is told of conditions that leave no cell to another, with their places', async () => {
    const text = `sweep: a
grid: { models: [m], datasets: [d], seeds: [0, 1] }
overrides:
  - when: { seeds: 1 }
    set: { lr: 0.1 }
exclude:
  - { seeds: [1] }
  - { datasets: d, seeds: 1 }
`;
    const { notices, folder, placeOf } = await read(text);
    const file = join(folder, 'x.yaml');
    assert.deepEqual(notices, [
      `${file}:4:11: overrides[0].when matches no cell that \`exclude\` leaves`,
      `${file}:8:5: exclude[1] takes out no cell that the exclusions before it leave`,
    ]);
    assert.equal(placeOf(['grid', 'seeds', 1]), `${file}:2:48: `);
    assert.deepEqual((await read(EXAMPLE)).notices, []);
  });

  it('may use anchors, and a mistake behind one is shown where it stands', async () => {
    const text = 'sweep: a\ngrid: { models: &m [x], datasets: *m, seeds: [0] }\n';
    assert.deepEqual((await read(text)).spec.axes.dataset, ['x']);
    const wrong = text.replace('[x]', '[../x]');
    assert.match((await issuesOf(wrong)).join(), /^2:21 grid\.datasets\[0\]: expected the name of a folder/);
  });

  it('is answered with mistakes in the order of the file', async () => {
    const text = 'sweep: A\ngrid:\n  models: []\n  datasets: [d]\nrun: { workers: x }\ntrain: 3\n';
    assert.deepEqual(
      (await issuesOf(text)).map((issue) => issue.split(' ')[0]),
      ['1:8', '3:11', '5:17', '6:8'],
    );
  });

  const cases: readonly [string, string | Buffer, RegExp][] = [
    ['a list instead of a mapping', '- a\n', /^1:1 : expected a mapping, got a list$/],
    [
      'keys that are nested to the right, which crash a parser',
      '- '.repeat(5_000),
      /^1:131 : nested deeper than 64 levels$/,
    ],
    ['explicit keys that are', '? '.repeat(5_000), /^1:131 : nested deeper/],
    ['open brackets without end', '['.repeat(5_000), /nested deeper/],
    ['101 aliases', `a: &a 1\nb: [${Array(101).fill('*a').join(', ')}]\n`, /^2:\d+ : more than 100 aliases$/],
    ['an alias of nothing', 'sweep: *x\n', /^1:8 : there is no anchor &x above this alias$/],
    ['a tag of its own', 'sweep: !python/object x\n', /^1:8 : unresolved tag/],
    ['two documents', 'sweep: a\n---\nsweep: b\n', /^2:1 : expected one document/],
    ['a key that is a list', '? [a]\n: 1\n', /expected a text as key; write it in quotes/],
    ['a quote that is not closed', 'sweep: "a\n', /^\d+:\d+ : missing closing "quote/],
    [
      'bytes of another encoding, far in',
      Buffer.from([0x61, 0x3a, 0x20, 0xc3, 0xa4, 0x0a, 0x62, 0xc3, 0xa4, 0xe9]),
      /^2:3 : not UTF-8$/,
    ],
    [
      'a prototype',
      'sweep: a\ngrid: { models: [m], datasets: [d] }\n__proto__: 1\n',
      /^3:1 __proto__: there is no key/,
    ],
  ];
  for (const [what, content, issue] of cases) {
    it(`is answered with the place: ${what}`, async () => {
      const issues = await issuesOf(content);
      assert.match(issues[0] ?? '', issue);
    });
  }

  it('with more mistakes than anybody mends at a time is answered with the first 50', async () => {
    const keys = Array.from({ length: 60 }, (_, i) => `key${i}: 1\n`).join('');
    await assert.rejects(
      read(keys),
      (error: SpecError) => error.issues.length === 50 && /there are more/.test(error.hint),
    );
  });

  it('is read from a pipe to its end', async () => {
    using folder = temporaryFolder();
    const pipe = join(folder.path, 'pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    // More than a pipe holds at a time.
    const writing = writeFile(pipe, `${'# a comment\n'.repeat(10_000)}${EXAMPLE}`);
    const { spec } = await readSweepFile(pipe);
    await writing;
    assert.deepEqual(spec, (await read(EXAMPLE)).spec);
  });

  it('that is not there is answered with what was probably meant', async () => {
    using folder = temporaryFolder();
    const at = (name: string) => join(folder.path, name);
    await assert.rejects(readSweepFile(at('x.yaml')), {
      message: `there is no file at ${at('x.yaml')}`,
      hint: /docs\/sweep/,
    });
    writeFileSync(at('sweep.yaml'), EXAMPLE);
    await assert.rejects(readSweepFile(at('sweeps.yaml')), { hint: `did you mean ${at('sweep.yaml')}?` });
    await assert.rejects(readSweepFile(at('quite-another.yaml')), { hint: `in ${folder.path} there is sweep.yaml` });
    await assert.rejects(readSweepFile(at('no/x.yaml')), { hint: `there is no folder ${at('no')} either` });
  });
});
