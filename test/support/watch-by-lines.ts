/** Says in JSON lines what a watcher of a sweep hears, and when: argv HOME SWEEP. On the machine of the control plane. */
import { findRunningPlane } from '../../orchestrator/cli/server/running-plane.js';
import { connectClient } from '../../orchestrator/control/client.js';

const [home = '', sweep = ''] = process.argv.slice(2);
const plane = await findRunningPlane(home);
if (plane === null) throw new Error(`nothing serves ${home}`);
const client = connectClient({ address: plane.address, token: plane.clientToken });
for await (const event of client.watch(sweep, new AbortController().signal)) {
  console.log(JSON.stringify({ atMs: performance.timeOrigin + performance.now(), event }));
}
client.close();
