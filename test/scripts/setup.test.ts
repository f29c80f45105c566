import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from '../../orchestrator/cli/python.js';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';

const WORKER_FILES = ['pyproject.toml', 'dss_worker/__init__.py', 'dss_worker/check_packages.py'];
const MAIN = 'dist/orchestrator/cli/main.js';

/** A checkout in small, with the real scripts: one package that is found without a network, and one source file. */
class Checkout {
  readonly #folder = temporaryFolder();
  readonly path = this.#folder.path;

  constructor() {
    cpSync(join(REPOSITORY, 'scripts'), this.at('scripts'), { recursive: true });
    for (const file of WORKER_FILES) cpSync(join(REPOSITORY, 'worker-python', file), this.at('worker-python', file));
    const tsc = { name: 'typescript', version: '1.0.0', bin: { tsc: 'tsc.cjs' } };
    this.#json('package.json', { name: 'small', version: '1.0.0', devDependencies: { typescript: 'file:tools/tsc' } });
    this.#json('package-lock.json', {
      ...{ name: 'small', version: '1.0.0', lockfileVersion: 3, requires: true },
      packages: {
        '': { name: 'small', version: '1.0.0', devDependencies: { typescript: 'file:tools/tsc' } },
        'node_modules/typescript': { resolved: 'tools/tsc', link: true },
        'tools/tsc': { ...tsc, dev: true },
      },
    });
    this.#json('tools/tsc/package.json', tsc);
    const realTsc = JSON.stringify(join(REPOSITORY, 'node_modules/.bin/tsc'));
    this.write(
      'tools/tsc/tsc.cjs',
      `#!/usr/bin/env node\nconst { spawnSync } = require('node:child_process');\n` +
        `process.exit(spawnSync(${realTsc}, process.argv.slice(2), { stdio: 'inherit' }).status);\n`,
    );
    this.#json('tsconfig.build.json', {
      compilerOptions: { target: 'es2023', module: 'nodenext', types: [], rootDir: '.', outDir: 'dist' },
      include: ['orchestrator'],
    });
    this.write('orchestrator/cli/main.ts', 'export const answer: number = 42;\n');
    // What bundles the page is a package that this checkout has not.
    this.write('web/main.tsx', '');
    const bundle = `import { mkdirSync } from 'node:fs';\nmkdirSync(process.argv[2], { recursive: true });\n`;
    this.write('scripts/build-web.mjs', bundle);
  }

  at(...path: readonly string[]): string {
    return join(this.path, ...path);
  }

  write(file: string, text: string): void {
    mkdirSync(join(this.at(file), '..'), { recursive: true });
    writeFileSync(this.at(file), text);
  }

  #json(file: string, value: unknown): void {
    this.write(file, JSON.stringify(value));
  }

  start(python = findPython(), env: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn(process.execPath, [this.at('scripts/setup.mjs')], {
      cwd: this.path,
      env: { ...process.env, DSS_PYTHON: python, npm_config_offline: 'true', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  setUp(python?: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return ended(this.start(python, env));
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

function ended(child: ChildProcess, onText: (text: string) => void = () => {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
      onText(stderr);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

describe('the set-up', () => {
  it('makes what is missing, and the next time finds that there is nothing to do', async () => {
    using checkout = new Checkout();
    const first = await checkout.setUp();
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /^setup: node modules: installed in [\d.]+ s$/m);
    assert.match(first.stderr, /^setup: build: built in [\d.]+ s$/m);
    assert.match(first.stderr, /^setup: done in [\d.]+ s$/m);
    assert.ok(statSync(checkout.at(MAIN)).mode & 0o100, 'the command is not executable');
    const second = await checkout.setUp();
    assert.equal(second.code, 0);
    assert.match(second.stderr, /^setup: nothing to do \([\d.]+ s\)\n$/);
  });

  it('builds again what has changed, leaves the rest alone and keeps nothing of a source that is gone', async () => {
    using checkout = new Checkout();
    checkout.write('orchestrator/old.ts', 'export const old = 1;\n');
    await checkout.setUp();
    assert.ok(existsSync(checkout.at('dist/orchestrator/old.js')));
    rmSync(checkout.at('orchestrator/old.ts'));
    checkout.write('orchestrator/cli/main.ts', 'export const answer: number = 43;\n');
    const { code, stderr } = await checkout.setUp();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^setup: build: built/m);
    assert.doesNotMatch(stderr, /node modules/);
    assert.match(readFileSync(checkout.at(MAIN), 'utf8'), /43/);
    assert.ok(!existsSync(checkout.at('dist/orchestrator/old.js')));
  });

  it('installs again when a package was asked for, but not when a script of package.json was changed', async () => {
    using checkout = new Checkout();
    await checkout.setUp();
    const manifest = JSON.parse(readFileSync(checkout.at('package.json'), 'utf8'));
    checkout.write('package.json', JSON.stringify({ ...manifest, scripts: { hello: 'true' } }));
    assert.match((await checkout.setUp()).stderr, /nothing to do/);
    checkout.write('tools/more/package.json', '{ "name": "more", "version": "1.0.0" }');
    checkout.write('package.json', JSON.stringify({ ...manifest, dependencies: { more: 'file:tools/more' } }));
    const { code, stderr } = await checkout.setUp();
    assert.equal(code, 1);
    assert.match(stderr, /npm ci .*: ended with 1\n.*Missing: more@/s); // from the lock file, npm says
    assert.match(stderr, /^hint: /m);
  });

  it('is done once by two that start together: one works, the other waits for it', async () => {
    using checkout = new Checkout();
    const both = await Promise.all([checkout.setUp(), checkout.setUp()]);
    const said = both.map(({ stderr }) => stderr).join('');
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
      said,
    );
    assert.equal(said.match(/installing \(npm ci\)/g)?.length, 1, said);
    assert.equal(said.match(/build: built/g)?.length, 1, said);
    assert.ok(!existsSync(checkout.at('.setup.lock')));
  });

  it('goes on where a signal stopped it, be it sent more than once', async () => {
    using checkout = new Checkout();
    const child = checkout.start();
    const stopped = await ended(child, (text) => {
      if (!text.includes('installing') || text.includes('stopped')) return;
      child.kill('SIGINT');
      child.kill('SIGINT'); // as npm does: it passes on what the terminal has sent already
    });
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(stopped.stderr, /stopped by SIGINT; the same command goes on from here\n$/);
    assert.ok(!existsSync(checkout.at('.setup.lock')));
    const { code, stderr } = await checkout.setUp();
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(checkout.at(MAIN)));
  });

  it('takes over from one that was killed', async () => {
    using checkout = new Checkout();
    const { pid } = spawnSync('true');
    const host = spawnSync('hostname', { encoding: 'utf8' }).stdout.trim();
    checkout.write('.setup.lock', JSON.stringify({ id: 'dead', pid, host }));
    const { code, stderr } = await checkout.setUp();
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /waiting/);
  });

  it('shows what the compiler said, and keeps the build that was there', async () => {
    using checkout = new Checkout();
    await checkout.setUp();
    checkout.write('orchestrator/cli/main.ts', "export const answer: number = 'x';\n");
    const { code, stderr } = await checkout.setUp();
    assert.equal(code, 1);
    assert.match(stderr, /^setup: error: build: .*tsc .*: ended with \d/m);
    assert.match(stderr, /main\.ts\(1,14\): error TS2322/);
    assert.match(readFileSync(checkout.at(MAIN), 'utf8'), /42/);
  });
});

describe('a machine without a Python', () => {
  it('is told so at once, before anything is installed', async () => {
    using checkout = new Checkout();
    const { code, stderr } = await checkout.setUp('', { PATH: checkout.path });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^setup: error: Python 3\.11 or newer was not found in PATH .*\nhint: install one, or set DSS_PYTHON/,
    );
    assert.ok(!existsSync(checkout.at('node_modules')));
  });
});

describe('an interpreter chosen by DSS_PYTHON', () => {
  it('is refused before anything is installed when it does not exist', async () => {
    using checkout = new Checkout();
    const { code, stderr } = await checkout.setUp('/nowhere/python');
    assert.equal(code, 1);
    assert.match(stderr, /^setup: error: DSS_PYTHON=\/nowhere\/python is no Python that runs\nhint: /);
    assert.ok(!existsSync(checkout.at('node_modules')));
  });

  it('is refused with the packages that it lacks', async () => {
    using checkout = new Checkout();
    const bare = checkout.at('python');
    checkout.write('python', `#!/bin/sh\nexec '${findPython()}' -S "$@"\n`); // -S: without installed packages
    chmodSync(bare, 0o755);
    const { code, stderr } = await checkout.setUp(bare);
    assert.equal(code, 1);
    assert.match(stderr, /^setup: error: DSS_PYTHON=.*python cannot be used:\n/);
    for (const name of ['grpcio', 'numpy', 'safetensors', 'sentencepiece', 'torch', 'transformers']) {
      assert.match(stderr, new RegExp(`^  ${name} is missing \\([\\d.]+ or newer\\)$`, 'm'));
    }
    assert.match(stderr, /^hint: .*-m pip install/m);
    assert.ok(!existsSync(checkout.at('node_modules')));
  });

  it('is refused when it is too old, by the version that it says', async () => {
    using checkout = new Checkout();
    checkout.write('python', '#!/bin/sh\necho 3.10.14\n');
    chmodSync(checkout.at('python'), 0o755);
    const { code, stderr } = await checkout.setUp(checkout.at('python'));
    assert.equal(code, 1);
    assert.match(stderr, /is Python 3\.10\.14; 3\.11 or newer is needed/);
  });
});
