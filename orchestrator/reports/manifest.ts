/**
 * `manifest.json`: what a report was made from, and what each of its files held when it was written. It has no clock
 * and no machine's paths in it: the same results give the same manifest.
 */
import { ENGINE_VERSION, type SourceFile } from '../core/domain.js';
import type { TrialRecord } from '../core/records.js';
import type { SweepReport } from './sweep-report.js';
import type { WrittenFile } from './write-file.js';

/** Says whose manifest it is, and in which shape. */
export const MANIFEST_KIND = 'dss report';
export const MANIFEST_SCHEMA = 1;
export const MANIFEST_NAME = 'manifest.json';

export interface ManifestParts {
  readonly report: SweepReport;
  readonly records: readonly TrialRecord[];
  /** Of dss. */
  readonly version: string;
  /** By name within the folder, with forward slashes. */
  readonly files: ReadonlyMap<string, WrittenFile>;
}

export function manifestValue({ report, records, version, files }: ManifestParts): Readonly<Record<string, unknown>> {
  const { sweep, total, counts } = report;
  return {
    kind: MANIFEST_KIND,
    schema: MANIFEST_SCHEMA,
    dss_version: version,
    engine_version: ENGINE_VERSION,
    sweep,
    trials: total,
    counts,
    environments: environmentsOf(records),
    models: sourcesOf(records, ({ trial }) => ({ name: trial.settings.model, files: trial.model.files })),
    datasets: sourcesOf(records, ({ trial }) => ({ name: trial.settings.dataset, files: trial.dataset.files })),
    files: [...files].map(([name, { sha256, sizeBytes }]) => ({
      name,
      size_bytes: sizeBytes,
      sha256,
      made_by: commandFor(name, sweep),
    })),
    checked_by: 'dss verify DIR',
  };
}

/** Gives the same bytes from the same results. */
function commandFor(name: string, sweep: string): string {
  return name === 'results.csv' ? `dss results ${sweep} --format csv` : `dss report ${sweep}`;
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
