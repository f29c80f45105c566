/**
 * `npm run lock`: makes worker-python's lock files anew from pyproject.toml, for every platform, with a
 * hash for each file and no host named. Without arguments what is locked stays where it can;
 * `npm run lock -- --upgrade` takes the newest versions that pyproject.toml allows.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VENV, WORKER } from './setup/paths.mjs';

const UV = join(VENV, 'bin', 'uv');
const FOR_EVERYONE = [
  '--universal',
  '--python-version',
  '3.11',
  '--generate-hashes',
  '--no-emit-index-url',
  '--no-header',
];

/** @param {readonly string[]} args */
function compile(args) {
  const { status, error } = spawnSync(
    UV,
    ['pip', 'compile', '--quiet', ...FOR_EVERYONE, ...args, ...process.argv.slice(2)],
    {
      cwd: WORKER,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  if (status === 0) return;
  console.error(
    `${UV}: ${error?.message ?? `ended with ${status}`}\nhint: npm run setup puts uv there (without DSS_PYTHON)`,
  );
  process.exit(1);
}

compile(['pyproject.toml', '--extra', 'dev', '--extra', 'lora', '-o', 'requirements.lock']);
compile(['bootstrap.in', '-o', 'bootstrap.lock']);
for (const name of ['requirements.lock', 'bootstrap.lock']) {
  const host = /^.*:\/\/.*$/m.exec(readFileSync(join(WORKER, name), 'utf8'));
  if (host !== null) {
    console.error(`${name} names a host: ${host[0].trim()}`);
    process.exit(1);
  }
}
