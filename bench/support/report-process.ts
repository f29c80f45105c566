/** Folds and writes the report of a state folder in a process of its own, and says what that took. */
import { journalReader } from '../../orchestrator/cli/journal-reader.js';
import { collected } from '../../orchestrator/cli/sweep-reader.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { writeReport } from '../../orchestrator/reports/write-report.js';

const [home = '', sweep = '', folder = ''] = process.argv.slice(2);
const started = performance.now();
const journal = openJournalReader(home);
const reader = journalReader(journal, home);
const records = await collected(reader.trials(sweep));
const measured = await reader.measured(sweep);
const steps = new Map(records.map(({ trial, result }) => [trial.trialId, result?.selectedStep]));
// As `dss report` does it, but for the teachers: to count their labels is no part of the report.
const report = foldSweep(sweep, records, [], (trialId) => {
  const { evaluations } = measured.measurements(trialId);
  return evaluations.findLast(({ split, step }) => split === 'test' && step === steps.get(trialId)) ?? null;
});
const foldedSeconds = (performance.now() - started) / 1000;
await writeReport(folder, { report, records, measured, version: '0' });
journal?.close();
const seconds = (performance.now() - started) / 1000;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
process.stdout.write(JSON.stringify({ seconds, foldedSeconds, cpuSeconds, peakBytes: maxRSS * 1024 }));
