/** Runs the project's Python in worker-python/: `node scripts/python.mjs -m pytest tests/data`. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statusOf } from './setup/command.mjs';
import { pythonCommand, WORKER } from './setup/paths.mjs';

const python = pythonCommand();
if (python.includes('/') && !existsSync(python)) {
  console.error(`there is no Python at ${python}\nhint: npm run setup`);
  process.exit(1);
}
const { status, signal, error } = spawnSync(python, process.argv.slice(2), { cwd: WORKER, stdio: 'inherit' });
if (error !== undefined && signal === null) console.error(`${python}: ${error.message}`);
process.exitCode = status ?? (signal === null ? 1 : statusOf(signal));
