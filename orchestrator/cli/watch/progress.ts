/** Shows a running sweep: live on a terminal, a line per event elsewhere. */
import { note } from '../output.js';
import { apply, type ProgressDisplay } from './progress-lines.js';
import type { SweepProgress } from './sweep-progress.js';

/** A live display only where someone looks and nothing else is on the line. */
export function isLive(json: boolean, env: NodeJS.ProcessEnv = process.env): boolean {
  return process.stderr.isTTY === true && !json && !env['CI'] && env['TERM'] !== 'dumb';
}

export async function createProgress(state: SweepProgress, live: boolean): Promise<ProgressDisplay> {
  if (!live) return plainProgress(state);
  const { LiveProgress } = await import('./live-progress.js');
  return new LiveProgress(state);
}

function plainProgress(state: SweepProgress): ProgressDisplay {
  return {
    update: (event) => {
      const line = apply(state, event);
      if (line !== null) note(line);
    },
    say: note,
    end: () => {},
  };
}
