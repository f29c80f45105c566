/**
 * Real tiny trials under `dss serve` for a while, and chance that kills, stops and drains what runs them:
 *
 *   npm run soak [-- --minutes 20] [--seed N] [--workers N] [--json FILE]
 *
 * In the end every trial has succeeded once, the history breaks no promise, the control plane holds no more memory than
 * at first, and trials that were killed and went on gave what they give undisturbed. Fails with status 1 otherwise.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Chance } from '../test/support/simulation/chance.js';
import { FAULTS, type FaultCounts, Trouble } from './soak/faults.js';
import { SoakPlane } from './soak/soak-plane.js';
import { SoakWorker } from './soak/soak-worker.js';
import { Stock } from './soak/stock.js';
import { judge, type Verdict } from './soak/verdict.js';
import { type Row, report } from './support/rows.js';

const HELP = `npm run soak [-- FLAGS]
  --minutes N   of trouble (default 20); what is unfinished then gets ten more, untroubled
  --seed N      of chance (default: drawn, and printed)
  --workers N   how many (default 2)
  --json FILE   the table as JSON too ("-": instead of it)`;
/** For what is unfinished when trouble ends. */
const PATIENCE_MS = 10 * 60_000;
/** The control plane is killed in the first part of the time; how its memory grows is seen in the rest. */
const PLANE_DIES_UNTIL = 0.5;
/** At most, from the first third of its longest life to the last: the history in its journal grows, and its caches. */
const MEMORY_GROWS = 1.15;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    workers: { type: 'string', default: '2' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function wholeNumber(flag: 'minutes' | 'seed' | 'workers', least: number): number {
  const number = Number(values[flag]);
  if (Number.isInteger(number) && number >= least) return number;
  throw new Error(`--${flag}: expected a whole number from ${least}, got "${values[flag]}"; see --help`);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Found {
  readonly verdict: Verdict;
  readonly counts: FaultCounts;
  readonly restartsS: readonly number[];
}

async function soak(folder: string): Promise<Found> {
  const [minutes, seed, workers] = [wholeNumber('minutes', 1), wholeNumber('seed', 0), wholeNumber('workers', 1)];
  console.error(`soak: seed ${seed}, ${minutes} minutes, ${workers} workers`);
  const home = join(folder, 'home');
  mkdirSync(home);
  const plane = await SoakPlane.start(home);
  const crew = Array.from(
    { length: workers },
    (_, number) => new SoakWorker(`soak-${number + 1}`, plane.address, home),
  );
  const stock = new Stock(folder, home);
  const trouble = new Trouble(new Chance(seed), plane, crew);
  try {
    const startedMs = performance.now();
    const endMs = startedMs + minutes * 60_000;
    for (let saidMs = startedMs; performance.now() < endMs; ) {
      await stock.fill();
      const share = (performance.now() - startedMs) / (endMs - startedMs);
      await trouble.next({ planeMayDie: share < PLANE_DIES_UNTIL });
      if (performance.now() - saidMs < 60_000) continue;
      saidMs = performance.now();
      console.error(`soak: ${Math.round(share * minutes)} min, ${stock.succeeded()} trials done, ${trouble}`);
    }
    trouble.end();
    const patienceMs = performance.now() + PATIENCE_MS;
    while (!(await stock.isDone()) && performance.now() < patienceMs) await sleep(500);
    await Promise.all(crew.map((worker) => worker.end()));
    await plane.end();
    const verdict = await judge({ folder, home, sweeps: stock.sweeps, rss: plane.rss });
    return { verdict, counts: trouble.counts, restartsS: plane.restartsS };
  } finally {
    await Promise.all(crew.map((worker) => worker.kill()));
    await plane.kill();
  }
}

function rowsOf({ verdict, counts, restartsS }: Found): readonly Row[] {
  const all = (what: string, value: number, of: number, detail: string): Row => {
    return { what, unit: `of ${of}`, value, aim: { atLeast: of }, detail };
  };
  const { trials, attempts, resumed, memory, sample, wrong } = verdict;
  return [
    all('trials that succeeded once', trials.succeededOnce, trials.total, `${attempts} attempts, ${resumed} went on`),
    {
      what: 'broken promises in the history',
      unit: '',
      value: wrong.length,
      aim: { atMost: 0 },
      detail: wrong.slice(0, 3).join('; '),
    },
    all('resumed trials equal to undisturbed ones', sample.equal, sample.total, sample.detail),
    {
      what: 'memory of the control plane, last third to first',
      unit: 'times',
      value: memory.lastMiB / memory.firstMiB,
      aim: { atMost: MEMORY_GROWS },
      detail: `${memory.firstMiB.toFixed(0)} → ${memory.lastMiB.toFixed(0)} MiB over ${memory.minutes.toFixed(1)} min`,
    },
    ...FAULTS.map((fault) => ({ what: fault, unit: 'times', value: counts[fault], aim: null, detail: '' })),
    ...(restartsS.length === 0
      ? []
      : [{ what: 'slowest restart', unit: 's', value: Math.max(...restartsS), aim: null, detail: 'from its sources' }]),
  ];
}

function isFine({ wrong, trials, sample, memory }: Verdict): boolean {
  const isComplete = trials.succeededOnce === trials.total && sample.equal === sample.total;
  return wrong.length === 0 && isComplete && memory.lastMiB <= MEMORY_GROWS * memory.firstMiB;
}

if (values.help) {
  console.log(HELP);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'dss-soak-'));
  process.exitCode = 1; // unless it ends well
  try {
    const found = await soak(folder);
    report(`Soak, seed ${values.seed}`, rowsOf(found), values.json);
    if (isFine(found.verdict)) process.exitCode = 0;
  } finally {
    if (process.exitCode === 0) rmSync(folder, { recursive: true, force: true });
    else console.error(`soak: the state folder and the logs are kept in ${folder}`);
  }
}
