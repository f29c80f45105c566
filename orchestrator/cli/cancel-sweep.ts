/** What `dss cancel` does: asks the control plane that runs, or one started for this. */
import { connectClient } from '../control/client.js';
import { counted } from '../reports/format.js';
import { resolveHome } from './environment.js';
import { createLogger } from './logging.js';
import { print, printJson } from './output.js';
import { startOwnPlane } from './own-plane.js';
import { findRunningPlane } from './running-plane.js';
import { withSweep } from './state.js';

export interface CancelFlags {
  readonly sweep: string;
  readonly home: string | undefined;
  readonly json: boolean;
}

export async function cancelSweep({ sweep, home: homeFlag, json }: CancelFlags): Promise<number> {
  const home = resolveHome(homeFlag);
  await withSweep(homeFlag, sweep, () => {}); // an unknown name is answered without starting anything
  const running = await findRunningPlane(home);
  const own = running === null ? await startOwnPlane({ home, logger: createLogger('warn'), workers: 0 }) : null;
  try {
    const at = running ?? own;
    if (at === null) return 1;
    const client = connectClient({ address: at.address, token: at.clientToken });
    try {
      const cancelled = await client.cancel(sweep);
      if (json) printJson({ sweep, cancelled });
      else print(`${sweep}: ${counted(cancelled, 'trial')} cancelled; results stay`);
    } finally {
      client.close();
    }
  } finally {
    await own?.stop();
  }
  return 0;
}
