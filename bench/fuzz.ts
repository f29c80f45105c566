/**
 * Nonsense to the gRPC port and the HTTP port of a real control plane, for as long as asked, another seed each minute.
 *
 *   npm run fuzz [-- --minutes 10] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { fuzzFor } from '../test/support/fuzz-run.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});
const endMs = performance.now() + Number(values.minutes) * 60_000;
let [http, grpc, most] = [0, 0, 0];
for (let seed = Number(values.seed); performance.now() < endMs; seed += 1) {
  const run = await fuzzFor({ seed, untilMs: Math.min(endMs, performance.now() + 60_000) });
  [http, grpc, most] = [http + run.http, grpc + run.grpc, Math.max(most, run.rssMiB.most)];
  console.log(`seed ${seed}: ${http} requests to HTTP and ${grpc} calls to gRPC so far, at most ${most} MiB`);
}
console.log('nothing broke');
process.exit(0);
