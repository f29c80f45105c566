import { RowChecks } from '../../orchestrator/sources/check-rows.js';
import { FileHashes } from '../../orchestrator/sources/file-hashes.js';
import type { SourceContext } from '../../orchestrator/sources/source-context.js';

/** Remembers in a state folder of the test's. */
export async function contextIn(home: string): Promise<SourceContext> {
  return { hashes: await FileHashes.open(home), checks: await RowChecks.open(home) };
}
