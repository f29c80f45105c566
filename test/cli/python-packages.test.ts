import assert from 'node:assert/strict';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPython, findTrainingPython } from '../../orchestrator/cli/python.js';
import { REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';
import { writeTinySweep } from '../support/tiny-sweep.js';

describe('a Python that training cannot run in', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let python: string;

  beforeEach(() => {
    folder = temporaryFolder();
    python = join(folder.path, 'python');
  });
  afterEach(() => folder[Symbol.dispose]());

  /** A "python" of one shell line. */
  function write(line: string): void {
    writeFileSync(python, `#!/bin/sh\n${line}\n`);
    chmodSync(python, 0o700);
  }

  const withoutPackages = () => write(`exec '${findPython()}' -S "$@"`);

  const COMMANDS: readonly (readonly string[])[] = [
    ['data', 'check', 'dispatch', '--datasets', 'datasets'],
    ['sweep', 'SWEEP'],
    ['serve', '--workers', '1', '--listen', '127.0.0.1:0', '--web-listen', 'off'],
    ['worker', '--server', '127.0.0.1:1'],
  ];
  for (const command of COMMANDS) {
    it(`ends \`dss ${command[0]}\` with what is missing and what helps, before a worker is started`, async () => {
      withoutPackages();
      const home = join(folder.path, 'home');
      const words = command.map((word) => (word === 'SWEEP' ? writeTinySweep(folder.path) : word));
      const env = {
        DSS_PYTHON: python,
        DSS_HOME: home,
        DSS_JOIN_TOKEN: 'a',
        DSS_DATASETS: join(REPOSITORY, 'datasets'),
      };
      const { code, stdout, stderr } = await runDss(words, { cwd: REPOSITORY, env });
      assert.equal(code, 2, stdout);
      const [missing = '', hint = '', ...rest] = stderr.slice(stderr.indexOf('error: ')).trimEnd().split('\n');
      assert.match(missing, /^error: .+python: lacks grpcio, .*numpy, .*torch, transformers$/);
      assert.match(
        hint,
        /^ {2}DSS_PYTHON names it: unset it, or `.+python -m pip install` what is missing; `dss doctor`/,
      );
      assert.deepEqual(rest, []);
      assert.equal(existsSync(join(home, 'logs', 'workers')), false);
    });
  }

  it('is told of by `dss doctor` with what helps there', async () => {
    withoutPackages();
    const { stdout } = await runDss(['doctor', '--home', folder.path], { env: { DSS_PYTHON: python } });
    assert.match(
      stdout,
      /^problem +packages +.+python lacks torch, transformers, grpcio\n.*DSS_PYTHON names it: unset it/m,
    );
  });

  it('may have packages that are too old, or be none at all', async () => {
    const env = { ...process.env, DSS_PYTHON: python };
    write('echo "numpy is missing (2.4 or newer)\ntorch 1.0 is too old: 2.13 or newer is needed"; exit 1');
    await assert.rejects(findTrainingPython(env), {
      code: 'PACKAGE_MISSING',
      message: `${python}: lacks numpy; torch 1.0 is too old: 2.13 or newer is needed`,
    });
    write('echo "unknown option -P\nusage: python …" >&2; exit 2');
    await assert.rejects(findTrainingPython(env), {
      code: 'PYTHON_MISSING',
      message: `${python} is no Python 3.11 or newer that runs: unknown option -P`,
    });
    write('kill -9 $$');
    await assert.rejects(findTrainingPython(env), { code: 'PYTHON_MISSING', message: /Command failed/ });
  });

  it('is helped by the set-up where nobody has named another', async () => {
    assert.equal(await findTrainingPython({}), findPython({}));
  });
});
