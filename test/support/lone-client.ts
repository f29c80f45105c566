/**
 * A client in a process of its own, whose server takes it in and hangs up argv[2] times: prints, as JSON, for how long it
 * would have waited each time, in milliseconds. Alone, because every timer of the process is over at once here and is counted.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Client } from '@grpc/grpc-js';
import { channelTo } from '../../orchestrator/control/channel.js';

/** Of grpc-js where nothing is said, with chance; what waits for longer is no try. */
const LONGEST_OF_GRPC_MS = 144_000;
/** Between two looks for addresses of a name, which an address has none of. */
const RESOLVE_MS = 30_000;

const tries = Number(process.argv[2]);
const waits: number[] = [];
const { setTimeout: real } = globalThis;
const quick = (call: () => void, waitMs = 0) => {
  if (waitMs === RESOLVE_MS || waitMs > LONGEST_OF_GRPC_MS) return real(call, waitMs);
  waits.push(waitMs);
  return real(call, 0);
};
globalThis.setTimeout = Object.assign(quick, { __promisify__: real.__promisify__ }) as typeof setTimeout;
let tried = 0;
const server = createServer((socket) => {
  tried += 1;
  socket.destroy();
  if (tried === tries) server.close();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
const { credentials, options } = channelTo(address, null);
const client = new Client(address, credentials, options);
client.getChannel().getConnectivityState(true);
await once(server, 'close');
process.stdout.write(JSON.stringify(waits));
process.exit();
