/** Sweeps of real trials that take seconds: the shipped dataset, the shipped model, few steps. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkHistory, describeFinding } from '../../orchestrator/journal/check-history.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { REPOSITORY } from './dss.js';

export const DATASETS = join(REPOSITORY, 'datasets');
const MODEL = join(REPOSITORY, 'sweeps/models/dispatch-t5');

export interface TinySweep {
  readonly name?: string;
  readonly methods?: readonly string[];
  readonly seeds?: readonly number[];
  readonly maxSteps?: number;
  /** A directory; default: the shipped one. */
  readonly model?: string;
  /** Further lines of `train`. */
  readonly train?: Readonly<Record<string, string | number>>;
}

/** Writes the sweep file and gives its path. */
export function writeTinySweep(folder: string, sweep: TinySweep = {}): string {
  const {
    name = 'tiny',
    methods = ['standard', 'task_prefix'],
    seeds = [0, 1],
    maxSteps = 12,
    train = {},
    model = MODEL,
  } = sweep;
  const settings = { init: 'random', batch_size: 8, eval_steps: 6, subsample: 0.1, lr: 0.002, ...train };
  const path = join(folder, `${name}.yaml`);
  writeFileSync(
    path,
    [
      `sweep: ${name}`,
      'grid:',
      `  models: [${JSON.stringify(model)}]`,
      '  datasets: [dispatch]',
      `  model_type: [${methods.join(', ')}]`,
      `  seeds: [${seeds.join(', ')}]`,
      'train:',
      `  max_steps: ${maxSteps}`,
      ...Object.entries(settings).map(([key, value]) => `  ${key}: ${value}`),
      '',
    ].join('\n'),
  );
  return path;
}

/**
 * How often each trial was begun and how it ended, after checking that the history breaks no promise. One that waited at
 * a worker and went to another before anything was heard of it was not begun there.
 */
export function historyOf(home: string): ReadonlyMap<string, { begun: number; succeeded: number }> {
  const journal = openJournal(home);
  try {
    const events = [...journal.events()];
    assert.deepEqual(checkHistory(events).map(describeFinding), []);
    const trials = new Map<string, { begun: number; succeeded: number }>();
    const heardOf = new Set<bigint>();
    for (const { event } of events) {
      if (!('lease' in event) || event.lease === null) continue;
      const { trialId, token } = event.lease;
      const counts = trials.get(trialId) ?? { begun: 0, succeeded: 0 };
      if (event.kind === 'begun' || event.kind === 'succeeded') counts[event.kind] += 1;
      else if (event.kind !== 'requeued') heardOf.add(token);
      else if (event.failure === null && !heardOf.has(token)) counts.begun -= 1;
      trials.set(trialId, counts);
    }
    return trials;
  } finally {
    journal.close();
  }
}
