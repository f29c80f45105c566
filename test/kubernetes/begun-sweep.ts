/** A sweep that is in the middle of something: two trials, each with a worker, one of which has something to lose. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import type { JournalEvent } from '../../orchestrator/core/events.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import type { RunningDss } from '../support/dss.js';
import { writeTinySweep } from '../support/tiny-sweep.js';
import { until } from '../support/until.js';
import type { Deployment } from './deployment.js';

export interface BegunSweep {
  readonly sweep: RunningDss;
  /** A pod whose worker has written a checkpoint of its trial. */
  readonly worker: string;
}

export interface BegunSweepWish {
  /** Of the first trial; those of one deployment differ by two or more. */
  readonly seed: number;
  readonly model: string;
  /** Default: enough on a machine that has all else to do too. */
  readonly maxSteps?: number;
  readonly pool?: Readonly<Record<string, unknown>>;
}

export async function beginSweep(
  deployment: Deployment,
  { seed, model, maxSteps = 80, pool = {} }: BegunSweepWish,
): Promise<BegunSweep> {
  const name = `faults-${seed}`;
  const train = { eval_steps: 40, checkpoint_steps: 5 };
  const seeds = [seed, seed + 1];
  const file = writeTinySweep(deployment.folder, { name, methods: ['standard'], seeds, maxSteps, model, train });
  const pools = [{ name: 'pool', max: 2, idleMinutes: 0, resources: { cpu: 1 }, ...pool }];
  appendFileSync(file, `run: ${JSON.stringify({ on: 'kubernetes', pools })}\n`);
  const seen = eventsOf(deployment.home).length;
  const sweep = deployment.start('sweep', file);
  let worker: string | undefined;
  const look = () => {
    const events = eventsOf(deployment.home).slice(seen);
    const kept = events.find((event) => event.kind === 'checkpointed');
    const begun = events.find((event) => event.kind === 'begun' && event.lease.trialId === kept?.lease.trialId);
    worker = begun?.kind === 'begun' ? begun.workerId : undefined;
    return worker !== undefined;
  };
  await Promise.race([until(look), sweep.finished.then(({ stderr }) => assert.fail(`it ended first:\n${stderr}`))]);
  return { sweep, worker: worker as string };
}

/** It runs both trials, and leaves nothing in the cluster. */
export async function endsWell({ sweep }: BegunSweep, deployment: Deployment): Promise<void> {
  const { code, stdout, stderr } = await sweep.finished;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /2 of 2 trials done/);
  await until(async () => (await deployment.left()).length === 0);
}

/** What a trial lost its worker for; `null`: it was given back in order. */
export function lossOf(worker: string, { home }: Deployment): string | null {
  const lost = eventsOf(home).find((event, index, all) => {
    if (event.kind !== 'requeued') return false;
    const begun = all
      .slice(0, index)
      .findLast((each) => each.kind === 'begun' && each.lease.token === event.lease.token);
    return begun?.kind === 'begun' && begun.workerId === worker;
  });
  return lost?.kind === 'requeued' ? (lost.failure?.kind ?? null) : assert.fail(`${worker} lost no trial`);
}

function eventsOf(home: string): readonly JournalEvent[] {
  const journal = openJournal(home);
  try {
    return [...journal.events()].map(({ event }) => event);
  } finally {
    journal.close();
  }
}
