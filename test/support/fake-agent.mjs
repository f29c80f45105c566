/**
 * Stands in for `python -m dss_worker agent`: what a launcher sees of an agent, and nothing of its work.
 * FAKE_AGENT says what it does: "live" (with a process of its own below it), or "die".
 */
import { spawn } from 'node:child_process';

const { DSS_JOIN_TOKEN: token, PYTHONPATH: path, DSS_TOKEN_CACHE: tokenCache } = process.env;
console.error(JSON.stringify({ args: process.argv.slice(2), token, path, tokenCache }));
if (process.env.FAKE_AGENT === 'die') {
  console.error('ImportError: no module named torch');
  process.exitCode = 3;
} else {
  const below = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60000)'], { stdio: 'ignore' });
  console.error(`below ${below.pid}`);
  setInterval(() => {}, 60_000);
}
