/**
 * The real control loop and journal through thousands of histories that chance makes up: workers, streams, people and
 * the control plane itself fail in whatever order. A history that breaks a promise is printed with its seed and path,
 * after it was made as short as it can be. DSS_SIMULATION_SEED and DSS_SIMULATION_RUNS ask for others, or for more.
 *
 * Faults that were planted in November 2026, one at a time, and the history of seed 2026 that found each:
 *
 * | planted: the control plane                                        | found in history |
 * |-------------------------------------------------------------------|------------------|
 * | accepts a stale token                                             |               31 |
 * | acknowledges before the commit                                    |                0 |
 * | says what it lends before the commit                              |                0 |
 * | forgets to take back what has run out                             |                3 |
 * | lends again at once, after a restart, what still runs             |                2 |
 * | loses a report when a stream breaks                               |                0 |
 * | takes the next process of a worker for the last one               |                0 |
 * | takes a report for an old one, as its sender's next life has come |              461 |
 * | takes a lease back when three quarters of it are over             |                3 |
 * | lends what only a paused sweep wants                              |                3 |
 * | gives a token out twice                                           |                0 |
 * | is woken without end by what waits for a slot                     |                0 |
 * | lends a gang again while some of it may be at it                  |                0 |
 * | forgets the devices of the rest of a gang                         |                5 |
 * | lends gangs at once after a restart                               |               57 |
 */
import { join } from 'node:path';
import fc from 'fast-check';
import { LogStore } from '../../orchestrator/control/log-store.js';
import type { Journal } from '../../orchestrator/journal/journal.js';
import { MemoryJournal } from '../../orchestrator/journal/memory-journal.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { temporaryFolder } from '../support/dss.js';
import { befall, type Step, step } from '../support/simulation/actions.js';
import { World } from '../support/simulation/world.js';

const SEED = process.env['DSS_SIMULATION_SEED'];
const RUNS = Number(process.env['DSS_SIMULATION_RUNS'] ?? 2_000);
/** Those on a disk take fifty times as long. */
const RUNS_ON_DISK = Math.ceil(RUNS / 50);

const history = fc.record({ seed: fc.nat(), steps: fc.array(step, { minLength: 10, maxLength: 40 }) });

async function live(seed: number, steps: readonly Step[], logs: LogStore, open: () => Journal): Promise<void> {
  const world = new World({ seed, openJournal: open, logs });
  try {
    world.submit({ sweep: 'a', trials: [1, 2, 3, 4, 5], changes: {} });
    for (const { action, thenMs } of steps) {
      befall(world, action);
      await world.pass(thenMs);
    }
    await world.pass(1);
    world.check();
    await world.heal();
    world.check();
  } finally {
    world.end();
  }
}

describe('a control plane among workers that die, stop, are cut off and come back', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let logs: LogStore;

  beforeEach(() => {
    folder = temporaryFolder();
    logs = new LogStore(folder.path);
  });

  afterEach(() => folder[Symbol.dispose]());

  /** Prints the seed and the path of a history that breaks a promise, and the shortest one that does. */
  const keepsItsPromises = (numRuns: number, open: (run: number) => () => Journal): Promise<void> => {
    let run = 0;
    const lives = fc.asyncProperty(history, ({ seed, steps }) => {
      run += 1;
      return live(seed, steps, logs, open(run));
    });
    return fc.assert(lives, { numRuns, ...(SEED === undefined ? {} : { seed: Number(SEED) }) });
  };

  it('keeps every promise, and gets everything done once all is mended', () =>
    keepsItsPromises(RUNS, () => {
      const journal = new MemoryJournal();
      return () => journal;
    }));

  it('keeps every promise on the durable journal, which is opened again after each death', () =>
    keepsItsPromises(RUNS_ON_DISK, (run) => {
      const home = join(folder.path, `run-${run}`);
      return () => openJournal(home);
    }));
});
