/** A control plane as a process of its own: `plane.js HOME`. Says where it listens in one line of JSON. */
import { createLogger } from '../../orchestrator/cli/logging.js';
import { startControlPlane } from '../../orchestrator/control/embedded.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';

const home = process.argv[2];
if (home === undefined) throw new Error('expected the state folder');
const { address, clientToken, joinToken, stop } = await startControlPlane({
  home,
  logger: createLogger('info'),
  openJournal,
  workers: 0,
  serves: true,
});
process.on('SIGTERM', () => void stop());
console.log(JSON.stringify({ address, clientToken, joinToken }));
