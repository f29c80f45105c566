/** What a control plane tells of a sweep, shown as it comes. */
import type { Client } from '../../control/client.js';
import type { ProgressDisplay } from './progress-lines.js';

/** Until the sweep has ended, or the signal is aborted. */
export async function showEvents(
  client: Client,
  sweep: string,
  display: ProgressDisplay,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const event of client.watch(sweep, signal)) display.update(event);
  } catch (reason) {
    if (!signal.aborted) throw reason;
  }
}
