/** Sweeps by `dss` as a user runs them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrialResult, TrialSettings } from '../../orchestrator/core/domain.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { REPOSITORY } from '../../test/support/dss.js';
import { DATASETS, type Measured } from './reference.js';
import { run } from './run.js';

const MAIN = join(REPOSITORY, 'dist/orchestrator/cli/main.js');

export interface Sweep {
  readonly name: string;
  readonly models: readonly string[];
  readonly grid: Readonly<Record<string, readonly (string | number)[]>>;
  readonly train: Readonly<Record<string, string | number>>;
  readonly run?: Readonly<Record<string, string | number>>;
}

export interface SweepRun {
  readonly seconds: number;
  readonly trials: readonly (Measured & {
    readonly trialId: string;
    readonly settings: TrialSettings;
    readonly result: TrialResult;
  })[];
}

/** Runs a sweep in a state of its own; its file and state stay in the folder. */
export async function runSweep(sweep: Sweep, folder: string): Promise<SweepRun> {
  const file = join(folder, `${sweep.name}.yaml`);
  const home = join(folder, `${sweep.name}-state`);
  // JSON is YAML.
  writeFileSync(
    file,
    JSON.stringify(
      { sweep: sweep.name, grid: { models: sweep.models, ...sweep.grid }, train: sweep.train, run: sweep.run ?? {} },
      null,
      2,
    ),
  );
  const { seconds } = await run(process.execPath, [MAIN, 'sweep', file], { DSS_HOME: home, DSS_DATASETS: DATASETS });
  const journal = openJournal(home);
  try {
    const trials = [...journal.trials(sweep.name)].map(({ trial, result }) => {
      if (result === null) throw new Error(`trial ${trial.trialId} has no result`);
      const { evaluations } = journal.measurements(trial.trialId);
      const rows = evaluations.reduce((sum, each) => sum + each.rows, 0);
      return {
        trialId: trial.trialId,
        settings: trial.settings,
        result,
        examplesPerSecond: result.examplesPerSecond,
        evaluationRowsPerSecond: rows / (result.secondsByPhase['evaluate'] ?? Number.NaN),
        seconds: result.seconds,
        accuracy: result.testAccuracy,
      };
    });
    return { seconds, trials };
  } finally {
    journal.close();
  }
}
