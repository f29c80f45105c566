/** Folds and writes the report of a state folder in a process of its own, as `dss report` does, and says what that took. */
import { journalReader } from '../../orchestrator/cli/readers/journal-reader.js';
import { loadReport } from '../../orchestrator/cli/readers/load-report.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { writeReport } from '../../orchestrator/reports/write-report.js';

const [home = '', sweep = '', folder = ''] = process.argv.slice(2);
const started = performance.now();
const journal = openJournalReader(home);
// But for the teachers: what their labels are worth is counted once for a dataset, and is no part of the report.
const loaded = await loadReport(journalReader(journal, home), [sweep], home, async () => []);
const foldedSeconds = (performance.now() - started) / 1000;
await writeReport(folder, { ...loaded, version: '0' });
journal?.close();
const seconds = (performance.now() - started) / 1000;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
process.stdout.write(JSON.stringify({ seconds, foldedSeconds, cpuSeconds, peakBytes: maxRSS * 1024 }));
