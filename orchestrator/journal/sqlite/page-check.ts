/**
 * SQLite's look at every page of a file, on a thread of its own: after a crash it takes as long as reading a large sweep
 * back, and the two go on side by side. Nothing is written before the verdict.
 *
 * 2026-11: standing still for the verdict (Atomics.wait) is no way out where a caller cannot wait, since a thread that
 * is just starting may need this one; a check that is skipped after a clean end would miss what a disk does meanwhile.
 */
import { Worker } from 'node:worker_threads';

/** "ok", or what is wrong. Rejects when the thread could not look. */
export function checkPages(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./page-check-thread.js', import.meta.url), { workerData: path });
    thread.once('message', (verdict: unknown) => resolve(String(verdict)));
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread ended without a verdict')));
  });
}
