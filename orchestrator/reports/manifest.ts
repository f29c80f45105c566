/**
 * `manifest.json`: what a report was made from and by, what each of its files held when it was written, and for each number
 * the command that prints it. It has no clock and no machine's paths in it: the same results give the same manifest.
 */
import { ENGINE_VERSION, type SourceFile } from '../core/domain.js';
import type { TrialRecord } from '../core/records.js';
import type { SweepReport } from './sweep-report.js';
import type { WrittenFile } from './write-file.js';

/** Says whose manifest it is, and in which shape. */
export const MANIFEST_KIND = 'dss report';
export const MANIFEST_SCHEMA = 3;
export const MANIFEST_NAME = 'manifest.json';

/** Of source files, over their names and contents. */
export interface CodeHash {
  readonly sha256: string;
  readonly files: number;
  /** Of their names: TypeScript and what was built from it are two codes. */
  readonly ending: string;
}

/** What turned trials into results, and results into numbers. */
export interface MadeByCode {
  readonly controlPlane: CodeHash;
  /** `null`: this installation has none. */
  readonly worker: CodeHash | null;
}

/** Of the worker that results came from, wherever it ran. */
export interface CodeThatRan {
  /** As it hashes its own sources; `null`: it did not say. */
  readonly sha256: string | null;
  /** Of these results. */
  readonly trials: number;
}

export interface ManifestParts {
  readonly report: SweepReport;
  readonly records: readonly TrialRecord[];
  /** Of dss. */
  readonly version: string;
  readonly code: MadeByCode;
  /** Of the rows of summary.json. */
  readonly addresses: readonly string[];
  /** By name within the folder, with forward slashes. */
  readonly files: ReadonlyMap<string, WrittenFile>;
}

export function manifestValue({
  report,
  records,
  version,
  code,
  addresses,
  files,
}: ManifestParts): Readonly<Record<string, unknown>> {
  const { sweep, sweeps, total, counts } = report;
  return {
    kind: MANIFEST_KIND,
    schema: MANIFEST_SCHEMA,
    dss_version: version,
    engine_version: ENGINE_VERSION,
    code: { control_plane: code.controlPlane, worker: code.worker, ran: codeThatRan(records) },
    sweep,
    sweeps,
    trials: total,
    counts,
    environments: environmentsOf(records),
    models: sourcesOf(records, ({ trial }) => ({ name: trial.settings.model, files: trial.model.files })),
    datasets: sourcesOf(records, ({ trial }) => ({ name: trial.settings.dataset, files: trial.dataset.files })),
    files: [...files].map(([name, { sha256, sizeBytes }]) => ({
      name,
      size_bytes: sizeBytes,
      sha256,
      made_by: commandFor(name, sweeps),
      one_number: numberCommandFor(name, sweeps),
    })),
    // A row at a time: what is in a row goes on from its address, as in `cells.ID.test_accuracy.mean`.
    numbers: addresses.map((address) => ({ address, command: numberCommand(address, sweeps) })),
    checked_by: 'dss verify DIR',
  };
}

/** Gives the same bytes from the same results. */
function commandFor(name: string, sweeps: readonly string[]): string {
  return name === 'results.csv' && sweeps.length === 1
    ? `dss results ${sweeps[0]} --format csv`
    : `dss report ${sweeps.join(' ')}`;
}

/** Prints a row of a report, or one number of it. */
export function numberCommand(address: string, sweeps: readonly string[]): string {
  return `dss report ${sweeps.join(' ')} --number ${address}`;
}

/** What prints one number of a file. ID is a trial's, ADDRESS as under `numbers`. */
function numberCommandFor(name: string, sweeps: readonly string[]): string {
  const [, figure] = /^figures\/([a-z]+-\d+)\./.exec(name) ?? [];
  if (figure !== undefined) return numberCommand(`figures.${figure}`, sweeps);
  if (/^(?:results|trials)\./.test(name)) return numberCommand('results.ID.COLUMN', sweeps);
  return numberCommand(name.startsWith('evaluations.') ? 'results.ID.logged' : 'ADDRESS', sweeps);
}

/** The most trials first. */
function codeThatRan(records: readonly TrialRecord[]): readonly CodeThatRan[] {
  const counts = new Map<string | null, number>();
  for (const { result } of records) {
    if (result === null) continue;
    const sha256 = result.environment['code'] ?? null;
    counts.set(sha256, (counts.get(sha256) ?? 0) + 1);
  }
  return [...counts].map(([sha256, trials]) => ({ sha256, trials })).sort((a, b) => b.trials - a.trials);
}

/** Each that results came from, with the number of its trials; the host's name is in results.csv. */
function environmentsOf(records: readonly TrialRecord[]): readonly object[] {
  const seen = new Map<string, { environment: Readonly<Record<string, string>>; trials: number }>();
  for (const { result } of records) {
    if (result === null) continue;
    const { host: _, ...environment } = result.environment;
    const key = JSON.stringify(Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = seen.get(key);
    if (known === undefined) seen.set(key, { environment, trials: 1 });
    else known.trials += 1;
  }
  return [...seen.values()];
}

interface NamedFiles {
  readonly name: string;
  readonly files: readonly SourceFile[];
}

/** Every file that trials read under a name. A path with two hashes is there twice: it changed between trials. */
function sourcesOf(records: readonly TrialRecord[], read: (record: TrialRecord) => NamedFiles): readonly object[] {
  const byName = new Map<string, Map<string, SourceFile>>();
  // Trials share their lists of files, and some are long.
  const seen = new Map<string, Set<readonly SourceFile[]>>();
  for (const record of records) {
    const { name, files } = read(record);
    const lists = seen.get(name) ?? new Set();
    seen.set(name, lists);
    if (lists.has(files)) continue;
    lists.add(files);
    const known = byName.get(name) ?? new Map<string, SourceFile>();
    byName.set(name, known);
    for (const file of files) known.set(`${file.path}\0${file.sha256}`, file);
  }
  return [...byName].map(([name, files]) => ({
    name,
    files: [...files.values()].map(({ path, role, sizeBytes, sha256 }) => ({
      path,
      role,
      size_bytes: sizeBytes,
      sha256,
    })),
  }));
}
