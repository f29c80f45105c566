/** What `dss verify` says. */
import { resolve } from 'node:path';
import { counted } from '../../reports/format.js';
import type { MadeByCode } from '../../reports/manifest.js';
import { note, print, printJson } from '../output.js';
import { ownCode } from '../own-code.js';
import type { WhereFlags } from '../server/find-server.js';
import { ownVersion } from '../version.js';
import { type Manifest, readManifest } from './read-manifest.js';
import { verifyCommands } from './verify-commands.js';
import { verifyFiles } from './verify-files.js';
import { summaryOf, verifyNumbers } from './verify-numbers.js';

export interface VerifyFlags extends WhereFlags {
  readonly dir: string;
  readonly json: boolean;
}

/** Gives 0 where all is as it was written, else 1. */
export async function runVerify({ dir, json, ...where }: VerifyFlags): Promise<number> {
  const folder = resolve(dir);
  const manifest = await readManifest(folder);
  const { sweep, sweeps, version, files } = manifest;
  const wrongFiles = await verifyFiles(folder, manifest);
  const isSummaryThere = !wrongFiles.some((line) => line.startsWith('summary.json '));
  const wrongCommands = isSummaryThere ? verifyCommands(manifest, await summaryOf(folder)) : [];
  const numbers = isSummaryThere ? await verifyNumbers(folder, sweeps, where) : { place: null, wrong: [], leftOut: [] };
  const wrong = [...wrongFiles, ...wrongCommands, ...numbers.wrong];
  const status = wrong.length === 0 ? 0 : 1;
  const otherCode = otherParts(manifest, await ownCode());
  if (version !== ownVersion()) note(`the report is of dss ${version}; this is dss ${ownVersion()}`);
  // No difference by itself: whether other code gives other numbers is what is compared below.
  if (otherCode.length > 0) note(`the report was made by other code than this: ${otherCode.join(', ')}`);
  if (json) {
    const compared = { files: files.length, compared_with: numbers.place, other_code: otherCode };
    printJson({ folder, sweep, ...compared, differences: wrong, not_compared: numbers.leftOut });
    return status;
  }
  for (const line of wrong) print(line);
  if (wrongFiles.length === 0) print(`${files.length} files are as they were written`);
  if (numbers.place === null) print(`its numbers were not compared: ${notCompared(sweep, isSummaryThere)}`);
  else if (numbers.wrong.length === 0) print(`its numbers are those that ${numbers.place} gives for ${sweep}`);
  for (const line of numbers.leftOut) print(`its teacher and plan were not compared: ${line}`);
  return status;
}

/** An installation may have no worker beside it, and older workers did not say: nothing is known then. */
function otherParts({ code, ran }: Manifest, now: MadeByCode): readonly string[] {
  const isOtherWorker = code.worker !== null && now.worker !== null && code.worker.sha256 !== now.worker.sha256;
  const others = ran.filter(({ sha256 }) => sha256 !== null && now.worker !== null && sha256 !== now.worker.sha256);
  const trials = others.reduce((sum, each) => sum + each.trials, 0);
  return [
    ...(code.controlPlane.sha256 === now.controlPlane.sha256 ? [] : ['the control plane']),
    ...(isOtherWorker ? ['the worker beside it'] : []),
    ...(trials > 0 ? [`the workers that ran ${counted(trials, 'trial')}`] : []),
  ];
}

function notCompared(sweep: string, isSummaryThere: boolean): string {
  return isSummaryThere
    ? `the sweep ${sweep} is not in the state folder; --home or --server says where it is`
    : 'summary.json itself is not as it was written';
}
