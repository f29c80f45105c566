import assert from 'node:assert/strict';
import { SweepError } from '../../orchestrator/core/errors.js';

const systemError = (code: string, more: { readonly path?: string; readonly syscall?: string } = {}) =>
  Object.assign(new Error(`${code}: as Node words it`), { code, ...more });

describe('an error of the operating system', () => {
  const path = '/state/reports';
  for (const [error, code, message, exitStatus] of [
    [systemError('ENOSPC', { path }), 'DISK_FULL', `${path}: no space is left on the disk`, 75],
    [systemError('ENOSPC'), 'DISK_FULL', 'no space is left on the disk', 75],
    [systemError('EDQUOT', { path }), 'DISK_FULL', `${path}: no space is left on the disk`, 75],
    [systemError('SQLITE_FULL'), 'DISK_FULL', 'no space is left on the disk', 75],
    [systemError('EROFS', { path }), 'FILE_REFUSED', `${path}: the disk is mounted read-only`, 2],
    [systemError('EACCES', { path }), 'FILE_REFUSED', `${path}: permission denied`, 2],
    [systemError('SQLITE_READONLY_DIRECTORY'), 'FILE_REFUSED', 'the journal may not be written', 2],
    [systemError('ENOTDIR', { path }), 'PATH_INVALID', `${path}: expected a folder, got a file`, 2],
    [systemError('EEXIST', { path, syscall: 'mkdir' }), 'PATH_INVALID', `${path}: expected a folder, got a file`, 2],
    [systemError('ENOENT', { path, syscall: 'mkdir' }), 'FILE_REFUSED', `${path}: the folder cannot be made`, 2],
    [systemError('EISDIR', { path }), 'PATH_INVALID', `${path}: expected a file, got a folder`, 2],
  ] as const) {
    it(`${error.code} ${'path' in error ? 'of a file' : 'of no file'} says what, where and what to do`, () => {
      const ours = SweepError.from(error);
      assert.deepEqual([ours.code, ours.message, ours.exitStatus], [code, message, exitStatus]);
      assert.notEqual(ours.hint, '');
      assert.equal(ours.cause, error);
    });
  }

  for (const error of [
    systemError('EACCES', { syscall: 'listen' }),
    systemError('EEXIST', { path, syscall: 'open' }),
    systemError('ENOENT', { path, syscall: 'open' }),
    systemError('EIO', { path }),
    systemError('toString', { path }),
    new Error('no code'),
  ]) {
    it(`"${error.message}" of anything else keeps its words`, () => {
      const { code, message } = SweepError.from(error);
      assert.deepEqual([code, message], ['INTERNAL', error.message]);
    });
  }
});
