/** Trials lent out and completed in a second, each step durable, and whether that depends on how many there are. */
import { PlaneProcess } from '../support/plane-process.js';
import type { Row } from '../support/rows.js';
import { SwarmProcess } from '../support/swarm-process.js';
import type { PartContext } from './part.js';

const WORKERS = 64;
/** Before anything is measured, so that no size pays for compiling the code. */
const WARM_UP = 3_000;
/** One sweep of the smallest size is over too soon to be measured: several, one after the other. */
const MEASURED_AT_LEAST = 10_000;
/** How many trials a turn takes, and so what each costs, differs from one run to the next by a quarter: the best counts. */
const ROUNDS = 3;

interface Cost {
  readonly trials: number;
  readonly perSecond: number;
  readonly cpuMs: number;
  readonly submitPerSecond: number;
}

export async function measureDispatch({ quick, newFolder, say }: PartContext): Promise<readonly Row[]> {
  const costs: Cost[] = [];
  for (const trials of quick ? [1_000, 10_000] : [1_000, 10_000, 100_000]) {
    const rounds: Cost[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const cost = await measure(newFolder(`dispatch-${trials}-${round}`), trials);
      say(`${trials} trials: ${cost.perSecond.toFixed(0)} a second, ${cost.cpuMs.toFixed(3)} ms of processor each`);
      rounds.push(cost);
    }
    costs.push(rounds.reduce((best, each) => (each.cpuMs < best.cpuMs ? each : best)));
  }
  const last = costs.at(-1) as Cost;
  const cpu = costs.map(({ cpuMs }) => cpuMs);
  return [
    {
      what: `durable dispatch and completion, ${last.trials} trials`,
      unit: 'trials/s',
      value: last.perSecond,
      aim: { atLeast: 1_000 },
      detail: `${WORKERS} workers of one slot with one trial ahead; ${last.cpuMs.toFixed(2)} ms of processor a trial`,
    },
    {
      what: 'cost of a trial, most expensive to cheapest size',
      unit: 'times',
      value: Math.max(...cpu) / Math.min(...cpu),
      aim: { atMost: 1.2 },
      detail: `the best of ${ROUNDS} rounds each; ${costs.map(({ trials, cpuMs }) => `${trials}: ${cpuMs.toFixed(3)} ms`).join(', ')}`,
    },
    {
      what: `submission, ${last.trials} trials`,
      unit: 'trials/s',
      value: last.submitPerSecond,
      aim: null,
      detail: '1,000 a call',
    },
  ];
}

async function measure(home: string, trials: number): Promise<Cost> {
  const plane = await PlaneProcess.start(home);
  const { address, joinToken } = plane;
  const swarm = new SwarmProcess({
    address,
    joinToken,
    sessions: WORKERS,
    slots: 1,
    prefetch: 1,
    behaviour: { kind: 'finish' },
  });
  await plane.submit('warm-up', WARM_UP);
  let goal = WARM_UP;
  await swarm.until(({ finished }) => finished >= goal);
  let [seconds, cpuSeconds, submitSeconds, measured] = [0, 0, 0, 0];
  while (measured < MEASURED_AT_LEAST) {
    // Nothing of a sweep is lent before its last part has come.
    submitSeconds += await plane.submit(`sweep-${measured}`, trials);
    const [cpu, started] = [plane.usage().cpuSeconds, performance.now()];
    goal += trials;
    await swarm.until(({ finished }) => finished >= goal);
    seconds += (performance.now() - started) / 1000;
    cpuSeconds += plane.usage().cpuSeconds - cpu;
    measured += trials;
  }
  await swarm.end();
  await plane.end();
  return {
    trials,
    perSecond: measured / seconds,
    cpuMs: (cpuSeconds / measured) * 1000,
    submitPerSecond: measured / submitSeconds,
  };
}
