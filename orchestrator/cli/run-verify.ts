/** What `dss verify` says. */
import { resolve } from 'node:path';
import type { WhereFlags } from './find-server.js';
import { note, print, printJson } from './output.js';
import { readManifest } from './read-manifest.js';
import { verifyFiles } from './verify-files.js';
import { verifyNumbers } from './verify-numbers.js';
import { ownVersion } from './version.js';

export interface VerifyFlags extends WhereFlags {
  readonly dir: string;
  readonly json: boolean;
}

/** Gives 0 where all is as it was written, else 1. */
export async function runVerify({ dir, json, ...where }: VerifyFlags): Promise<number> {
  const folder = resolve(dir);
  const manifest = await readManifest(folder);
  const { sweep, version, files } = manifest;
  const wrongFiles = await verifyFiles(folder, manifest);
  const isSummaryThere = !wrongFiles.some((line) => line.startsWith('summary.json '));
  const numbers = isSummaryThere ? await verifyNumbers(folder, sweep, where) : { place: null, wrong: [] };
  const wrong = [...wrongFiles, ...numbers.wrong];
  const status = wrong.length === 0 ? 0 : 1;
  if (version !== ownVersion()) note(`the report is of dss ${version}; this is dss ${ownVersion()}`);
  if (json) {
    printJson({ folder, sweep, files: files.length, compared_with: numbers.place, differences: wrong });
    return status;
  }
  for (const line of wrong) print(line);
  if (wrongFiles.length === 0) print(`${files.length} files are as they were written`);
  if (numbers.place === null) print(`its numbers were not compared: ${notCompared(sweep, isSummaryThere)}`);
  else if (numbers.wrong.length === 0) print(`its numbers are those that ${numbers.place} gives for ${sweep}`);
  return status;
}

function notCompared(sweep: string, isSummaryThere: boolean): string {
  return isSummaryThere
    ? `the sweep ${sweep} is not in the state folder; --home or --server says where it is`
    : 'summary.json itself is not as it was written';
}
