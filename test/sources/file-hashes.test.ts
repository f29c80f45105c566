import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileHashes, linesOf } from '../../orchestrator/sources/file-hashes.js';
import { temporaryFolder } from '../support/dss.js';
import { writeFiles } from '../support/sources.js';

const CHANGED_MS = 1_000_000;
const LATER_MS = CHANGED_MS + 60_000;

/** A file changed at CHANGED_MS, and its hash as seen at a moment. */
function open(folder: string) {
  const path = join(folder, 'a');
  const write = (content: string) => {
    writeFileSync(path, content);
    utimesSync(path, CHANGED_MS / 1000, CHANGED_MS / 1000);
  };
  const hashAt = async (nowMs: number) => {
    const hashes = await FileHashes.open(join(folder, 'home'), () => nowMs);
    const { sha256 } = await hashes.sourceFile(folder, 'a', 'train');
    await hashes.save();
    return sha256;
  };
  return { write, hashAt };
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

describe('the hash of a file', () => {
  it('is worked out once for a path, a size and a time of change', async () => {
    using folder = temporaryFolder();
    const { write, hashAt } = open(folder.path);
    write('one');
    assert.equal(await hashAt(LATER_MS), digestOf('one'));
    write('two'); // as large, and with the same time: what no one can tell without reading
    assert.equal(await hashAt(LATER_MS), digestOf('one'));
    write('three');
    assert.equal(await hashAt(LATER_MS), digestOf('three'));
  });

  it('is not kept of a file that was just written, since it may be written again at the same time', async () => {
    using folder = temporaryFolder();
    const { write, hashAt } = open(folder.path);
    write('one');
    assert.equal(await hashAt(CHANGED_MS + 1_999), digestOf('one'));
    write('two');
    assert.equal(await hashAt(CHANGED_MS + 2_000), digestOf('two'));
  });

  it('is worked out again when what was kept is damaged', async () => {
    using folder = temporaryFolder();
    const { write, hashAt } = open(folder.path);
    const kept = join(folder.path, 'home/cache/file-hashes.json');
    write('one');
    await hashAt(LATER_MS);
    for (const damage of ['', '[', '[["x",3]]', readFileSync(kept, 'utf8').replace(digestOf('one'), 'zz')]) {
      writeFileSync(kept, damage);
      assert.equal(await hashAt(LATER_MS), digestOf('one'));
    }
  });

  it('is worked out also where nothing can be kept', async () => {
    using folder = temporaryFolder();
    const { write, hashAt } = open(folder.path);
    write('one');
    writeFileSync(join(folder.path, 'home'), 'a file where a folder should be');
    assert.equal(await hashAt(LATER_MS), digestOf('one'));
  });
});

describe('lines of a file', () => {
  it('are the same however long they are and wherever a read ends', async () => {
    using folder = temporaryFolder();
    const lines = ['a', '', 'é'.repeat(700_000), 'b'.repeat(1024 * 1024), 'last'];
    writeFiles(folder.path, { text: lines.join('\n') });
    const found: string[] = [];
    for await (const line of linesOf(join(folder.path, 'text'))) found.push(line.toString('utf8'));
    assert.deepEqual(found, lines);
  });
});
