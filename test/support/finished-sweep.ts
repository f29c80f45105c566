/** Sweep files whose trials have ended without being trained. */
import { planSpec } from '../../orchestrator/cli/plan/plan-spec.js';
import type { Failure, Trial } from '../../orchestrator/core/domain.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { readSweepFile } from '../../orchestrator/sources/read-sweep-file.js';
import { partOf } from './parts.js';
import { resultOf } from './records.js';
import { DATASETS } from './tiny-sweep.js';

/** Planned, and written into the journal as done. */
export async function finishWithoutTraining(
  file: string,
  home: string,
  {
    accuracyOf = () => 0.5,
    failureOf = () => null,
    datasets = DATASETS,
    extend = false,
  }: {
    readonly datasets?: string;
    /** These join the trials that it has. */
    readonly extend?: boolean;
    readonly accuracyOf?: (trial: Trial) => number;
    readonly failureOf?: (trial: Trial) => Failure | null;
  } = {},
): Promise<readonly Trial[]> {
  const { spec, directory } = await readSweepFile(file);
  const { trials, sweep, options } = await planSpec(spec, directory, { home, datasets });
  const journal = openJournal(home);
  journal.transaction(() => journal.submit(partOf(sweep, [], { trials, options, extend }), 1_000));
  journal.transaction(() => {
    for (const trial of trials) {
      const { lease } = journal.begin(trial.trialId, 'w', 2_000);
      const failure = failureOf(trial);
      if (failure === null) journal.finish(lease, resultOf({ testAccuracy: accuracyOf(trial) }), 3_000);
      else journal.fail(lease, failure, 3_000);
    }
  });
  journal.close();
  return trials;
}
