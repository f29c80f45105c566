/** What is left when a soak is over, and whether it is what was promised. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TrialMeasurements, TrialRecord } from '../../orchestrator/core/records.js';
import { describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { runDss } from '../../test/support/dss.js';
import { DATASETS, historyOf } from '../../test/support/tiny-sweep.js';
import type { MemorySample } from './soak-plane.js';
import { writeSoakSweep } from './stock.js';

const SAMPLE = 6;

export interface Verdict {
  readonly trials: { readonly total: number; readonly succeededOnce: number };
  readonly attempts: number;
  /** Trials that went on from a checkpoint of an attempt before. */
  readonly resumed: number;
  readonly wrong: readonly string[];
  readonly sample: { readonly total: number; readonly equal: number; readonly detail: string };
  readonly memory: { readonly firstMiB: number; readonly lastMiB: number; readonly minutes: number };
}

export async function judge(soak: {
  readonly folder: string;
  readonly home: string;
  readonly sweeps: readonly string[];
  readonly rss: readonly MemorySample[];
}): Promise<Verdict> {
  const { folder, home, sweeps, rss } = soak;
  const records = read(home, sweeps);
  const history = historyOf(home);
  const succeededOnce = records.filter(
    ({ state, trial }) => state === 'succeeded' && history.get(trial.trialId)?.succeeded === 1,
  );
  const resumed = succeededOnce.filter(({ attempts, result }) => attempts > 1 && (result?.resumedStep ?? 0) > 0);
  return {
    trials: { total: records.length, succeededOnce: succeededOnce.length },
    attempts: [...history.values()].reduce((sum, { begun }) => sum + begun, 0),
    resumed: resumed.length,
    wrong: (checkDatabase(home)?.findings ?? []).map(describeFinding),
    sample: await compare(folder, home, resumed.slice(0, SAMPLE)),
    memory: memoryOf(rss),
  };
}

/** Runs the same trials again where nothing happens to them: every loss and every answer is the same, to the last bit. */
async function compare(folder: string, home: string, disturbed: readonly TrialRecord[]): Promise<Verdict['sample']> {
  if (disturbed.length === 0) return { total: 0, equal: 0, detail: 'none went on from a checkpoint' };
  const alone = join(folder, 'alone');
  const seeds = disturbed.map(({ trial }) => trial.settings.seed);
  const file = writeSoakSweep(folder, 'alone', seeds);
  const words = ['sweep', file, '--workers', '1', '--home', alone];
  const { code, stderr } = await runDss(words, { env: { DSS_DATASETS: DATASETS } });
  if (code !== 0) throw new Error(`the undisturbed sweep ended with ${code}:\n${stderr}`);
  const different = disturbed.filter(({ trial: { trialId } }) => !isEqual(seen(home, trialId), seen(alone, trialId)));
  const detail =
    different.length === 0
      ? 'accuracies, losses and evaluations'
      : `different: ${different.map(({ trial }) => trial.trialId).join(', ')}`;
  return { total: disturbed.length, equal: disturbed.length - different.length, detail };
}

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

function seen(
  home: string,
  trialId: string,
): { readonly accuracy: number | undefined; readonly measured: TrialMeasurements | undefined } {
  const journal = openJournalReader(home);
  try {
    return { accuracy: journal?.trial(trialId)?.result?.testAccuracy, measured: journal?.measurements(trialId) };
  } finally {
    journal?.close();
  }
}

function read(home: string, sweeps: readonly string[]): readonly TrialRecord[] {
  const journal = openJournalReader(home);
  try {
    return sweeps.flatMap((sweep) => [...(journal?.trials(sweep) ?? [])]);
  } finally {
    journal?.close();
  }
}

/** Of its longest life, whose first minute warms it up where there are more. */
function memoryOf(rss: readonly MemorySample[]): Verdict['memory'] {
  const lives = [...new Set(rss.map(({ life }) => life))].map((life) => rss.filter((sample) => sample.life === life));
  const longest = lives.reduce((a, b) => (b.length > a.length ? b : a), []);
  const warm = longest.length > 180 ? longest.slice(60) : longest;
  const third = Math.max(1, Math.floor(warm.length / 3));
  const mean = (samples: readonly MemorySample[]) =>
    samples.reduce((sum, { mebibytes }) => sum + mebibytes, 0) / samples.length;
  const minutes = ((warm.at(-1)?.atMs ?? 0) - (warm[0]?.atMs ?? 0)) / 60_000;
  return { firstMiB: mean(warm.slice(0, third)), lastMiB: mean(warm.slice(-third)), minutes };
}
