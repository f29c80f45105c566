/** What `dss stop` does: asks a control plane to end, which gives what runs its grace. */
import { connectClient } from '../../control/client.js';
import { resolveHome } from '../environment.js';
import { print, printJson } from '../output.js';
import { connectServer } from '../server/connect-server.js';
import { findServer, type WhereFlags } from '../server/find-server.js';
import { findRunningPlane } from '../server/running-plane.js';

export async function stopPlane({ json, ...where }: WhereFlags & { readonly json: boolean }): Promise<number> {
  const server = await findServer(where);
  if (server !== null) {
    const { client } = await connectServer(server);
    return stopBy(client, server.name ?? server.address, json);
  }
  const home = resolveHome(where.home);
  const running = await findRunningPlane(home);
  if (running === null) {
    if (json) printJson({ stopping: false });
    else print(`no control plane runs with ${home}`);
    return 0;
  }
  const { address, clientToken, pid } = running;
  return stopBy(connectClient({ address, token: clientToken }), `${home} (process ${pid})`, json);
}

async function stopBy(client: ReturnType<typeof connectClient>, name: string, json: boolean): Promise<number> {
  try {
    await client.stop();
  } finally {
    client.close();
  }
  if (json) printJson({ stopping: true });
  else print(`${name} is stopping: what runs there has its grace to write down where it is`);
  return 0;
}
