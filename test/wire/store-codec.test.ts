import assert from 'node:assert/strict';
import {
  decodeFromWorker,
  decodeScope,
  decodeSha256,
  decodeStoredCheckpoint,
  decodeStoredFile,
  decodeStoredFiles,
  encodeFromWorker,
  encodeStoredCheckpoint,
  encodeStoredFile,
  MAX_STORED_FILES,
} from '../../orchestrator/wire/codec.js';

const SHA256 = '0123456789abcdef'.repeat(4);
const FILE = { path: 'model/model-00001-of-00002.safetensors', sha256: SHA256, sizeBytes: 2 ** 40 };

describe('files on the wire', () => {
  it('are what they were', () => {
    assert.deepEqual(decodeStoredFile(encodeStoredFile(FILE)), FILE);
    const checkpoint = { step: 250, path: 'step-00000250', files: [FILE] };
    assert.deepEqual(decodeStoredCheckpoint(encodeStoredCheckpoint(checkpoint)), checkpoint);
  });

  for (const path of ['a', 'a/b.c', '.hidden', '..a/b', 'é 1']) {
    it(`may be called ${JSON.stringify(path)}`, () => {
      assert.equal(decodeStoredFile(encodeStoredFile({ ...FILE, path })).path, path);
    });
  }

  for (const path of [
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    '../a',
    'a\\b',
    'C:',
    'a\0',
    'a\n',
    'x'.repeat(256),
  ]) {
    it(`are not called ${JSON.stringify(path.slice(0, 8))}`, () => {
      assert.throws(() => decodeStoredFile(encodeStoredFile({ ...FILE, path })), /expected a relative path/);
      const lease = { trialId: '0'.repeat(20), attempt: 1, token: 1n };
      const report = { kind: 'checkpoint', lease, step: 1, path, files: [FILE] } as const;
      assert.throws(
        () => decodeFromWorker(encodeFromWorker({ kind: 'report', sequence: 1n, report })),
        /expected a relative path/,
      );
    });
  }

  for (const sha256 of ['', 'a', SHA256.toUpperCase(), `${SHA256}0`, `../${SHA256}`.slice(0, 64), undefined]) {
    it(`have no digest ${JSON.stringify(sha256 ?? null)}`, () => {
      assert.throws(() => decodeSha256(sha256), /sha256 is .*, expected/);
    });
  }

  for (const scope of ['a', '0'.repeat(19), '0'.repeat(21), '../'.repeat(7).slice(0, 20), 'G'.repeat(20), '\n']) {
    it(`are of no scope ${JSON.stringify(scope)}`, () => {
      assert.throws(() => decodeScope(scope), /scope is .*, expected/);
    });
  }

  it('are of a trial, or of what trials read', () => {
    assert.equal(decodeScope('0'.repeat(20)), '0'.repeat(20));
    assert.equal(decodeScope(undefined), '');
  });

  it('are not more than a message may name', () => {
    const many = Array.from({ length: MAX_STORED_FILES + 1 }, (_, i) => encodeStoredFile({ ...FILE, path: `f${i}` }));
    assert.equal(decodeStoredFiles(many.slice(1)).length, MAX_STORED_FILES);
    assert.throws(() => decodeStoredFiles(many), /10001 files in one message, expected at most 10000/);
  });

  it('have each a path of their own', () => {
    const twice = [FILE, FILE].map(encodeStoredFile);
    assert.throws(() => decodeStoredFiles(twice), /two files of one message have the same path/);
  });

  it('are no larger than a number can say', () => {
    const sizeBytes = BigInt(Number.MAX_SAFE_INTEGER) + 1n;
    assert.throws(() => decodeStoredFile({ ...encodeStoredFile(FILE), sizeBytes }), /size_bytes/);
  });
});
