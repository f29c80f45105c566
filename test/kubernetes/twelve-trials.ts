/** Sweeps that are submitted from outside to a deployment: one beside the same on this machine, one of a pod for each trial. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { historyOf, writeTinySweep } from '../support/tiny-sweep.js';
import { until } from '../support/until.js';
import type { Deployment } from './deployment.js';

/** Of one core, since sums in another order are other sums. */
const POOLS = [
  { name: 'one', max: 1, idleMinutes: 0, resources: { cpu: 1, memory: '3Gi' } },
  { name: 'two', max: 1, idleMinutes: 0, resources: { cpu: 1, memory: '4Gi' } },
] as const;

/** Two kinds of workers, one of each, have the results that workers here have, and nothing is left. `pool`: of each. */
export async function runsTwelveTrialsAsHere(deployment: Deployment, pool: object = {}): Promise<void> {
  const model = deployment.copied('sweeps', 'models', 'dispatch-t5');
  const file = writeTinySweep(deployment.folder, { seeds: [0, 1, 2, 3, 4, 5], model });
  const pools = POOLS.map((each) => ({ ...each, ...pool }));
  appendFileSync(file, `run: ${JSON.stringify({ on: 'kubernetes', pools })}\n`);
  assert.match(await deployment.dss('sweep', file), /12 of 12 trials done/);
  const away = JSON.parse(await deployment.dss('results', 'tiny', '--json')) as readonly Result[];

  await deployment.dssHere('sweep', file, '--on', 'local', '--workers', String(availableParallelism()));
  const here = JSON.parse(await deployment.dssHere('results', 'tiny', '--json')) as readonly Result[];
  assert.equal(here.length, 12);
  assert.deepEqual(away.map(numbersOf), here.map(numbersOf));

  const kinds = kindsOf(deployment.home);
  const expected = [2, true];
  assert.deepEqual([kinds.size, [...kinds].every((kind) => /^dss-(one|two)-/.test(kind))], expected, [...kinds].join());
  const once = Array.from({ length: 12 }, () => ({ begun: 1, succeeded: 1 }));
  assert.deepEqual([...historyOf(deployment.home).values()], once);
  await until(async () => (await deployment.left()).length === 0);
}

/** Five trials in two seats: every attempt has another pod, none fails, and nothing is left. */
export async function runsEachTrialInItsOwnPod(deployment: Deployment): Promise<void> {
  const model = deployment.copied('sweeps', 'models', 'dispatch-t5');
  const file = writeTinySweep(deployment.folder, {
    name: 'singly',
    methods: ['standard'],
    seeds: [11, 12, 13, 14, 15],
    model,
  });
  const pools = [{ name: 'single', max: 2, idleMinutes: 0, resources: { cpu: 1, memory: '3Gi' } }];
  appendFileSync(file, `run: ${JSON.stringify({ on: 'kubernetes', podPerTrial: true, pools })}\n`);
  assert.match(await deployment.dss('sweep', file), /5 of 5 trials done/);
  const results = JSON.parse(await deployment.dss('results', 'singly', '--json')) as readonly Result[];
  assert.deepEqual(
    results.map(({ state, attempts }) => [state, attempts]),
    Array.from({ length: 5 }, () => ['succeeded', 1]),
  );
  const workers = workersOf(deployment.home).filter((worker) => worker.startsWith('dss-single-'));
  assert.equal(new Set(workers).size, 5);
  assert.ok(workers.every((worker) => /^dss-single-[0-9a-f]{8}-[01]-0-[a-z0-9]{5}$/.test(worker)));
  await until(async () => (await deployment.left()).length === 0);
}

/** All that a result says of what was learned, and nothing of where, how fast and after how many changes of place. */
function numbersOf(result: Result): Partial<Result> {
  const { id, settings, state, training, evaluations, test_accuracy, choice_accuracy } = result;
  return { id, settings, state, training, evaluations, test_accuracy, choice_accuracy };
}

interface Result {
  readonly id: string;
  readonly settings: object;
  readonly state: string;
  readonly attempts: number;
  readonly training: readonly object[];
  readonly evaluations: readonly object[];
  readonly test_accuracy: number;
  readonly choice_accuracy: number;
}

/** Of the workers that trials were begun on: what stands before the index of a pod. */
function kindsOf(home: string): ReadonlySet<string> {
  return new Set(workersOf(home).map((worker) => worker.replace(/-\d+-[a-z0-9]{5}$/, '')));
}

/** Once for each attempt. */
function workersOf(home: string): readonly string[] {
  const journal = openJournal(home);
  try {
    return [...journal.events()].flatMap(({ event }) => (event.kind === 'begun' ? [event.workerId] : []));
  } finally {
    journal.close();
  }
}
