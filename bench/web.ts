/**
 * The page of a sweep of 100,000 trials in a real browser: how long until it can be seen and used, for the first who looks
 * and for the next, and how long the page takes for a batch of changes while 16 workers finish trials as fast as they can.
 * The first view of one that goes on may find it read ahead; of one that has ended, with all of its results, nothing is.
 *
 *   npm run bench:web [-- --json FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DEFAULT_SWEEP_OPTIONS } from '../orchestrator/core/sweep/sweep-options.js';
import { openJournal } from '../orchestrator/journal/sqlite/sqlite-journal.js';
import { temporaryFolder } from '../test/support/dss.js';
import { largeGrid } from '../test/support/grid-trials.js';
import { resultOf } from '../test/support/trials.js';
import { TestBrowser, TestWeb } from '../test/support/web-page.js';

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const WORKERS = 16;
const UPDATES = 40;

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A state folder in which all of a sweep has succeeded. */
function writeFinished(home: string): void {
  const journal = openJournal(home);
  const trials = largeGrid();
  const how = { retryFailed: false, rerun: false, extend: false, options: DEFAULT_SWEEP_OPTIONS, owner: '' };
  journal.transaction(() => journal.submit({ sweep: 'large', first: 0, trials, last: true, ...how }, 1));
  journal.transaction(() => {
    for (const [place, { trialId }] of trials.entries()) {
      const { lease } = journal.begin(trialId, 'w', 2);
      journal.finish(lease, resultOf((place % 1_221) / 1_221), 3);
    }
  });
  journal.close();
}

async function firstView(of: TestWeb): Promise<number> {
  const started = performance.now();
  const { page } = await browser.open(of.url('sweeps/large'));
  await page.getByRole('gridcell').first().waitFor();
  const ms = performance.now() - started;
  await page.context().close();
  return ms;
}

const browser = await TestBrowser.start();
const folder = temporaryFolder();
writeFinished(folder.path);
const ended = await TestWeb.start({ isBuilt: true, control: { home: folder.path } });
// Chromium's own start is not ours.
const { page: blank } = await browser.open(ended.url('healthz'));
await blank.context().close();
const endedMs = await firstView(ended);
await ended[Symbol.asyncDispose]();
folder[Symbol.dispose]();

const web = await TestWeb.start({ isBuilt: true });
await web.plane.client.submit('large', largeGrid(), { retryFailed: false });
const firstMs = await firstView(web);
const nextMs = [await firstView(web), await firstView(web), await firstView(web)].sort((a, b) => a - b);

const { page } = await browser.open(web.url('sweeps/large'));
await page.getByRole('gridcell').first().waitFor();
for (let each = 0; each < WORKERS; each += 1)
  void web.plane.worker({ workerId: `w-${each}` }).runAll(() => Math.random());
await page.waitForFunction((count) => performance.getEntriesByName('update').length >= count, UPDATES, {
  timeout: 120_000,
});
const updates = await page.evaluate(() => performance.getEntriesByName('update').map(({ duration }) => duration));
const sorted = updates.sort((a, b) => a - b);
const done = web.plane.plane.view.journal.sweep('large')?.counts.succeeded ?? 0;
const rssMiB = Math.round(process.memoryUsage().rss / 2 ** 20);

const found = {
  trials: 100_000,
  firstViewEndedColdMs: Math.round(endedMs),
  firstViewColdMs: Math.round(firstMs),
  firstViewMs: nextMs.map(Math.round),
  updates: sorted.length,
  updateP50Ms: Math.round(quantile(sorted, 0.5)),
  updateP95Ms: Math.round(quantile(sorted, 0.95)),
  updateMaxMs: Math.round(sorted.at(-1) ?? Number.NaN),
  trialsDoneMeanwhile: done,
  rssMiB,
};
console.log(JSON.stringify(found, null, 2));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(found, null, 2)}\n`);
await browser.close();
await web[Symbol.asyncDispose]();
process.exit(0);
