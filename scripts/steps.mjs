/** Runs commands one after the other, every one of them, and sums up at the end which failed and how long each took. */
import { spawnSync } from 'node:child_process';
import { ROOT } from './setup/paths.mjs';

/** @typedef {{ readonly name: string, readonly command: readonly [string, ...string[]] }} Step */

/**
 * @param {readonly Step[]} steps
 * @returns {number} the exit status: 0 if all succeeded
 */
export function runSteps(steps) {
  const lines = [];
  let failed = 0;
  for (const { name, command } of steps) {
    const [program, ...args] = command;
    process.stdout.write(`\n── ${name}: ${[program, ...args].join(' ')}\n`);
    const startedMs = performance.now();
    const { status, signal, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' });
    const how = status === 0 ? 'ok' : `FAILED (${error?.message ?? signal ?? `exit ${status}`})`;
    if (status !== 0) failed += 1;
    lines.push(`   ${name.padEnd(24)} ${((performance.now() - startedMs) / 1000).toFixed(1).padStart(7)} s  ${how}`);
    if (signal === 'SIGINT' || signal === 'SIGTERM') break;
  }
  process.stdout.write(`\n${lines.join('\n')}\n`);
  return failed === 0 ? 0 : 1;
}
