/** `npm start`: the set-up, then the quickstart sweep. `npm start -- --workers 1` passes flags on to it. */
import './setup/require-node.mjs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { statusOf } from './setup/command.mjs';
import { main } from './setup/main.mjs';
import { ROOT } from './setup/paths.mjs';
import { setUp } from './setup/set-up.mjs';

await main(async () => {
  await setUp();
  const dss = join(ROOT, 'dist/orchestrator/cli/main.js');
  const args = [dss, 'sweep', 'sweeps/quickstart.yaml', ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  // Ctrl-C reaches the whole terminal group, dss included; npm sends it to us once more, and a second one
  // would tell dss to stop at once. What is sent to us alone is passed on.
  process.on('SIGINT', () => {});
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal === null ? 1 : statusOf(signal))));
  });
});
