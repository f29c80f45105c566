/** `dss cancel`, `retry`, `pause` and `resume`: asks the control plane that is named or runs here, or one started for this. */
import { type Client, connectClient } from '../../control/client.js';
import { resolveHome } from '../environment.js';
import { createLogger } from '../logging.js';
import { note, print, printJson } from '../output.js';
import { withSweep } from '../readers/sweep-reader.js';
import { startOwnPlane } from '../serve/own-plane.js';
import { connectServer } from '../server/connect-server.js';
import { findServer, type WhereFlags } from '../server/find-server.js';
import { findRunningPlane } from '../server/running-plane.js';

export interface ChangeFlags extends WhereFlags {
  readonly sweep: string;
  readonly json: boolean;
}

/** What was done: the document of `--json`, and the same in words. */
export interface Changed {
  readonly value: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** What is left to do where no control plane runs that would go on by itself. */
  readonly ifNoneRuns?: string;
}

/** @param needsOpen a sweep that has ended is left as it is */
export async function changeSweep(
  { sweep, json, ...where }: ChangeFlags,
  change: (client: Client) => Promise<Changed>,
  { needsOpen = false }: { readonly needsOpen?: boolean } = {},
): Promise<number> {
  // An unknown name is answered without starting anything.
  const { standing, counts } = await withSweep(where, sweep, async (_, record) => record);
  if (needsOpen && standing.state === 'active' && counts.queued + counts.running === 0) {
    if (json) printJson({ sweep, state: standing.state });
    else print(`${sweep}: nothing of it waits or runs; \`dss status ${sweep}\` says how it ended`);
    return 0;
  }
  const { client, isOwn, close } = await clientFor(where);
  try {
    const { value, text, ifNoneRuns } = await change(client);
    if (json) printJson({ sweep, ...value });
    else print(`${sweep}: ${text}`);
    if (isOwn && ifNoneRuns !== undefined) note(ifNoneRuns);
  } finally {
    await close();
  }
  return 0;
}

interface Reached {
  readonly client: Client;
  /** Its control plane was started for this, and ends with it. */
  readonly isOwn: boolean;
  close(): Promise<void>;
}

async function clientFor(where: WhereFlags): Promise<Reached> {
  const server = await findServer(where);
  if (server !== null) {
    const { client } = await connectServer(server);
    return { client, isOwn: false, close: async () => client.close() };
  }
  const home = resolveHome(where.home);
  const running = await findRunningPlane(home);
  if (running !== null) {
    const client = connectClient({ address: running.address, token: running.clientToken });
    return { client, isOwn: false, close: async () => client.close() };
  }
  const own = await startOwnPlane({ home, logger: createLogger('warn'), workers: 0 });
  const client = connectClient({ address: own.address, token: own.clientToken });
  return {
    client,
    isOwn: true,
    async close() {
      client.close();
      await own.stop();
    },
  };
}
