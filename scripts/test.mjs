/** `npm test`: the set-up, then every test, both languages' at once: most of them wait for processes most of the time. */
import './setup/require-node.mjs';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from './setup/main.mjs';
import { setUp } from './setup/set-up.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { runSteps } from './steps.mjs';

/** More than these failing are no accident of a busy machine, and are not tried again. */
const MOST_FILES_AGAIN = 3;
const MOST_PYTHON_TESTS_AGAIN = 5;

await main(async () => {
  if (process.argv.length > 2) {
    throw new SetupError(
      `npm test runs everything and takes no arguments: ${process.argv.slice(2).join(' ')}`,
      'one file: npx mocha FILE, or npm run test:python -- FILE',
    );
  }
  await setUp({ pythonPackages: ['pytest'] });
  const scratch = mkdtempSync(join(tmpdir(), 'dss-test-'));
  const failedFiles = join(scratch, 'failed-files');
  const pythonCache = join(scratch, 'pytest');
  const pytest = /** @type {const} */ ([
    'npm',
    'run',
    '--silent',
    'test:python',
    '--',
    '-o',
    `cache_dir=${pythonCache}`,
  ]);
  try {
    return await runSteps(
      [
        {
          name: 'TypeScript tests',
          command: ['npm', 'run', '--silent', 'test:ts'],
          env: { DSS_TEST_FAILED: failedFiles },
          again: () => {
            const files = read(failedFiles)?.split('\n').filter(Boolean) ?? [];
            return fewEnough(files.length, MOST_FILES_AGAIN) ? ['npx', 'mocha', ...files] : null;
          },
        },
        {
          name: 'Python tests',
          command: pytest,
          again: () => {
            const failed = Object.keys(JSON.parse(read(join(pythonCache, 'v/cache/lastfailed')) ?? '{}'));
            return fewEnough(failed.length, MOST_PYTHON_TESTS_AGAIN) ? [...pytest, '--last-failed'] : null;
          },
        },
      ],
      { sideBySide: true },
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

/** @param {string} path @returns {string | null} null where there is no such file */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** @param {number} failed @param {number} most */
function fewEnough(failed, most) {
  return failed > 0 && failed <= most;
}
