import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../../orchestrator/cli/logging.js';
import { RotatingFile } from '../../orchestrator/cli/serve/rotating-file.js';
import { temporaryFolder } from '../support/dss.js';

describe('a rotating log file', () => {
  it('keeps the newest lines, in files of a bounded size, and few of them', () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'logs', 'x.log');
    const file = new RotatingFile(path, 100);
    for (let line = 0; line < 100; line += 1) file.write(`line ${String(line).padStart(3, '0')}\n`);
    const names = readdirSync(join(folder.path, 'logs')).sort();
    assert.deepEqual(names, ['x.log', 'x.log.1', 'x.log.2', 'x.log.3', 'x.log.4']);
    for (const name of names) assert.ok(statSync(join(folder.path, 'logs', name)).size <= 100);
    const lines = [...names].reverse().flatMap((name) =>
      readFileSync(join(folder.path, 'logs', name), 'utf8')
        .trim()
        .split('\n'),
    );
    assert.equal(lines.at(-1), 'line 099');
    assert.deepEqual(lines, [...lines].sort(), 'out of order');
    assert.ok(lines.length >= 40);
  });

  it('goes on with what a former process left, and is for its owner alone', () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'x.log');
    new RotatingFile(path, 20).write('first of them\n');
    new RotatingFile(path, 20).write('second\n');
    assert.equal(readFileSync(`${path}.1`, 'utf8'), 'first of them\n');
    assert.equal(statSync(path).mode & 0o077, 0);
  });

  it('loses lines and stops nothing where it cannot be written, and writes again where it can', () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'logs', 'x.log');
    writeFileSync(join(folder.path, 'logs'), 'a file where the folder should be');
    const file = new RotatingFile(path);
    file.write('lost\n');
    rmSync(join(folder.path, 'logs'));
    mkdirSync(join(folder.path, 'logs'));
    file.write('kept\n');
    assert.equal(readFileSync(path, 'utf8'), 'kept\n');
  });

  it('gets what is too quiet for stderr, with secrets left out', () => {
    const [shown, kept]: [string[], string[]] = [[], []];
    const logger = createLogger('warn', (line) => shown.push(line), { write: (line) => kept.push(line) });
    logger.info({ token: 'canary-1', nested: { joinToken: 'canary-2' } }, 'quiet');
    logger.warn('loud\n\u001b[31m');
    assert.equal(shown.length, 1);
    assert.equal(kept.length, 2);
    assert.ok(!kept.join('').includes('canary'));
    assert.equal(kept.join('').split('\n').length, 3, 'a line is a line');
    assert.ok(!kept.join('').includes('\u001b'));
  });
});
