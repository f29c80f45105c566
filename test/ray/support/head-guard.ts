/**
 * Ends a Ray head, and removes its folder, as soon as the process that forked this one lets go of it or is gone, however
 * that ended: a head stays otherwise, since all of it belongs to no process group of ours.
 */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { until } from '../../support/until.js';
import { processesOf } from './head-processes.js';

const [folder = ''] = process.argv.slice(2);

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

if (process.connected) await once(process, 'disconnect');
// Whoever was about to start another one may have done so meanwhile.
await until(() => {
  const left = processesOf(folder);
  for (const pid of left) kill(pid);
  return left.length === 0;
});
// Threads of one that was killed may still write when it is a zombie already.
rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
