import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';

const REAL = process.env['DSS_TEST_DATASETS'] ?? join(REPOSITORY, '../shared/datasets');

describe('dss data make svamp', () => {
  it("writes the release's files, byte for byte", async function () {
    if (!existsSync(join(REAL, 'svamp/SVAMP.json'))) {
      console.warn(`      NOT TESTED on real data: there is no SVAMP.json in ${REAL}`);
      this.skip();
    }
    using folder = temporaryFolder();
    const source = join(REAL, 'svamp/SVAMP.json');
    const { code, stdout } = await runDss([
      'data',
      'make',
      'svamp',
      '--source',
      source,
      '--datasets',
      folder.path,
      '--json',
    ]);
    assert.equal(code, 0);
    for (const split of ['train', 'test']) {
      const name = `svamp/svamp_${split}.json`;
      assert.ok(readFileSync(join(folder.path, name)).equals(readFileSync(join(REAL, name))), `${name} differs`);
    }
    const { files } = JSON.parse(stdout);
    assert.deepEqual(
      files.map(({ rows, state }: { rows: number; state: string }) => [rows, state]),
      [
        [800, 'written'],
        [200, 'written'],
      ],
    );
    assert.equal(files[1].sha256, createHash('sha256').update(readFileSync(files[1].path)).digest('hex'));
  });

  it('says where it looked when there is no source', async () => {
    using folder = temporaryFolder();
    const { code, stdout, stderr } = await runDss(['data', 'make', 'svamp', '--datasets', folder.path]);
    assert.deepEqual([code, stdout], [2, '']);
    assert.ok(stderr.includes(`there is no file at ${join(folder.path, 'svamp/SVAMP.json')}`), stderr);
  });
});

describe('dss data import', () => {
  it('refuses what is no archive, with exit code 2 and nothing changed', async () => {
    using folder = temporaryFolder();
    const zip = join(folder.path, 'datasets.zip');
    writeFileSync(zip, 'PK, or not');
    const { code, stderr } = await runDss(['data', 'import', zip, '--datasets', join(folder.path, 'data')]);
    assert.equal(code, 2);
    assert.match(stderr, /the archive is refused: it is no zip file/);
    assert.equal(existsSync(join(folder.path, 'data')), false);
  });

  it('unpacks the layout of the release and says what it left out', async () => {
    using folder = temporaryFolder();
    const zip = join(folder.path, 'datasets.zip');
    writeFileSync(
      zip,
      storedZip({
        'datasets/cqa/cqa_train.json': '{"question":"a"}\n',
        'datasets/cqa/llm/train_CoT_0.json': '["b"]',
        'datasets/README.md': 'hello',
      }),
    );
    const root = join(folder.path, 'data');
    const { code, stdout, stderr } = await runDss(['data', 'import', zip, '--datasets', root]);
    assert.deepEqual([code, stdout.split('\n')[0]], [0, 'cqa: 2 files, rows: train 1'], stderr);
    assert.match(stderr, /1 other entry left out/);
    assert.equal(readFileSync(join(root, 'cqa/cqa_train.json'), 'utf8'), '{"question":"a"}\n');
  });
});

describe('dss data check', () => {
  const datasets = ['--datasets', REAL] as const;

  it('counts real data and finds the teacher as good as the release says', async function () {
    if (!existsSync(join(REAL, 'cqa'))) {
      console.warn(`      NOT TESTED on real data: there is no cqa in ${REAL}`);
      this.skip();
    }
    const { code, stdout, stderr } = await runDss(['data', 'check', 'cqa', 'svamp', ...datasets, '--json']);
    assert.deepEqual([code, stderr], [0, '']);
    const found: { name: string; splits: { rows: number }[]; teachers: { label_accuracy: number }[] }[] =
      JSON.parse(stdout).datasets;
    assert.deepEqual(
      found.map(({ name, splits, teachers }) => [
        name,
        splits.map(({ rows }) => rows),
        teachers.map(({ label_accuracy }) => label_accuracy.toFixed(4)),
      ]),
      [
        ['cqa', [9741, 1221], ['0.7426', '0.7723']],
        ['svamp', [800, 200], ['0.7325', '0.7400']],
      ],
    );
  });

  it('prints tables of the shipped dataset, token lengths with a model directory', async () => {
    const { code, stdout, stderr } = await runDss(
      ['data', 'check', 'dispatch', '--model', 'sweeps/models/dispatch-t5', '--datasets', 'datasets'],
      { cwd: REPOSITORY },
    );
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^dispatch {2}folder {2}text {4}train {3}800 {7}2 {2}tr(?:uck|ain) 5\d\.\d\d, tr/m);
    assert.match(stdout, /^dispatch {2}its own {2}test {4}400 +\d\d\.\d\d +100\.00 +\d+\.\d +\d+$/m);
    assert.match(stdout, /^dispatch {2}train {2}input +9\.0 +9 +9 +9 +0\.00$/m);
    const test = createHash('sha256').update(readFileSync(join(REPOSITORY, 'datasets/dispatch/test.jsonl')));
    assert.ok(stdout.includes(test.digest('hex')), stdout);
  });

  it('names what is wrong by file and line, shows the others, and ends with exit code 2', async () => {
    using folder = temporaryFolder();
    const row = '{"input":"q","label":"y","llm_label":"n"}\n';
    for (const [name, train] of [
      ['sound', row],
      ['broken', `${row}\n{"input":5,"label":"y"}\n`],
    ] as const) {
      mkdirSync(join(folder.path, name));
      writeFileSync(join(folder.path, name, 'train.jsonl'), train);
      writeFileSync(join(folder.path, name, 'test.jsonl'), row);
    }
    const names = ['broken', 'sounds', 'sound'];
    const { code, stdout, stderr } = await runDss(['data', 'check', ...names, '--datasets', folder.path]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: broken: 1 wrong row\n {2}broken\/train\.jsonl:3: expected a text in "input", got 5$/m,
    );
    assert.match(stderr, /^error: there is no dataset "sounds" in .+\n {2}did you mean sound\? --datasets or /m);
    assert.match(stdout, /^sound +its own +train +1 +0\.00 +0\.00 +– +–$/m);
  });

  it('refuses labels that a tokenizer cannot tell apart, and says how much is unknown to it', async () => {
    using folder = temporaryFolder();
    const rows = ['billing', 'tech'].map((label) => `{"input":"send bread","label":"${label}"}\n`);
    mkdirSync(join(folder.path, 'tickets'));
    for (const split of ['train', 'test']) writeFileSync(join(folder.path, `tickets/${split}.jsonl`), rows.join(''));
    const args = ['data', 'check', 'tickets', '--model', 'sweeps/models/dispatch-t5', '--datasets', folder.path];
    const { code, stdout, stderr } = await runDss(args, { cwd: REPOSITORY });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: tickets: test: expected labels in words of .+, got 'billing', 'tech', of which it has /m,
    );
    assert.match(stdout, /^tickets {2}test {3}input +3\.0 +3 +3 +3 +0\.00\ntickets {2}test {3}label .+ 100\.00$/m);
  });

  it('refuses a model directory that is none', async () => {
    using folder = temporaryFolder();
    const args = ['data', 'check', 'dispatch', '--model', folder.path, '--datasets', 'datasets', '--json'];
    const { code, stdout } = await runDss(args, { cwd: REPOSITORY });
    assert.deepEqual([code, JSON.parse(stdout).error.code], [2, 'MODEL_INVALID']);
  });
});

/** A zip file without compression, written out by hand: there is no zip library here. */
function storedZip(files: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [nameBytes, content] = [Buffer.from(name), Buffer.from(text)];
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version that it needs
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, nameBytes, content]);
    const where = Buffer.alloc(14);
    where.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from('PK\u0001\u0002\u0014\u0000'), common, where, nameBytes]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(centrals.length, 4);
  end.writeUInt16LE(centrals.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\u0005\u0006'), end]);
}
