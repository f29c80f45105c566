/** `dss cancel`, `retry`, `pause` and `resume`: asks the control plane that runs, or one started for this. */
import { type Client, connectClient } from '../control/client.js';
import { resolveHome } from './environment.js';
import { createLogger } from './logging.js';
import { note, print, printJson } from './output.js';
import { startOwnPlane } from './own-plane.js';
import { findRunningPlane } from './running-plane.js';
import { withSweep } from './state.js';

export interface ChangeFlags {
  readonly sweep: string;
  readonly home: string | undefined;
  readonly json: boolean;
}

/** What was done: the document of `--json`, and the same in words. */
export interface Changed {
  readonly value: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** What is left to do where no control plane runs that would go on by itself. */
  readonly ifNoneRuns?: string;
}

export async function changeSweep(
  { sweep, home: homeFlag, json }: ChangeFlags,
  change: (client: Client) => Promise<Changed>,
): Promise<number> {
  const home = resolveHome(homeFlag);
  await withSweep(homeFlag, sweep, () => {}); // an unknown name is answered without starting anything
  const running = await findRunningPlane(home);
  const own = running === null ? await startOwnPlane({ home, logger: createLogger('warn'), workers: 0 }) : null;
  try {
    const at = running ?? own;
    if (at === null) return 1;
    const client = connectClient({ address: at.address, token: at.clientToken });
    try {
      const { value, text, ifNoneRuns } = await change(client);
      if (json) printJson({ sweep, ...value });
      else print(`${sweep}: ${text}`);
      if (own !== null && ifNoneRuns !== undefined) note(ifNoneRuns);
    } finally {
      client.close();
    }
  } finally {
    await own?.stop();
  }
  return 0;
}
