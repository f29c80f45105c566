/**
 * A control plane in a process of its own that is told and tells in JSON lines: argv HOME LEASE_MS SWEEP_FILE DATASETS.
 * It submits the sweep, says where it listens, what it logs and what its watchers hear. A second worker, scripted and on
 * its own machine, joins when "join" comes, and finishes what it is lent.
 */
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { planSpec } from '../../orchestrator/cli/plan/plan-spec.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { readSweepFile } from '../../orchestrator/sources/read-sweep-file.js';
import { TestPlane } from './control-planes.js';
import { resultOf } from './trials.js';

const [home = '', leaseMs = '', file = '', datasets = ''] = process.argv.slice(2);
const say = (value: unknown) =>
  process.stdout.write(
    `${JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each))}\n`,
  );

const logger = pino({ base: null }, { write: (line: string) => process.stdout.write(line) });
const test = await TestPlane.start({ home, logger, leaseMs: Number(leaseMs), renewEveryMs: Number(leaseMs) / 6 });
const { spec, directory } = await readSweepFile(file);
const { trials, sweep } = await planSpec(spec, directory, { datasets, home });
await test.client.submit(sweep, trials, { retryFailed: false });
const { address, joinToken } = test.plane;
say({ kind: 'ready', address, joinToken });
void (async () => {
  for await (const event of test.client.watch(sweep, new AbortController().signal)) say(event);
  const journal = openJournalReader(home);
  say({
    kind: 'ended',
    trials: [...(journal?.trials(sweep) ?? [])].map(({ attempts, result }) => ({ attempts, result })),
  });
  journal?.close();
})();

for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'join') continue;
  const worker = test.worker({ workerId: 'near' });
  const { lease } = await worker.next('assign');
  say({ kind: 'lent', attempt: lease.attempt });
  await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.125) }));
}
