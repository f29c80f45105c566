/** What `dss export` does: copies a trial's kept model and generated rationales out of the state folder. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { keptFiles } from '../control/trial-folder.js';
import { SweepError } from '../core/errors.js';
import type { TrialRecord } from '../core/records.js';
import { resolveHome } from './environment.js';
import { findServer, type WhereFlags } from './find-server.js';
import { note, print, printJson } from './output.js';
import { findTrial, withReader } from './sweep-reader.js';

export interface ExportFlags extends WhereFlags {
  readonly trial: string;
  readonly dir: string;
  readonly json: boolean;
}

export async function exportTrial({ trial, dir, json, ...where }: ExportFlags): Promise<number> {
  const home = await folderOf(where, trial);
  const target = resolve(dir);
  const record = await withReader({ home }, async (reader) => reader.trial(await findTrial(reader, trial)));
  const kept = keptBy(record, home);
  const files = await copyOut(kept, target);
  if (!json) for (const file of files) print(join(target, file));
  else printJson({ id: record.trial.trialId, directory: target, files });
  if (kept.model === null) note('its model was not kept: `keep: best` below train, or --keep best, keeps one');
  return 0;
}

/** What is copied lies in a state folder: on this machine, or it is copied there. */
async function folderOf(where: WhereFlags, trial: string): Promise<string> {
  const server = await findServer(where);
  if (server === null) return resolveHome(where.home);
  const [{ connectServer }, { isOnThisMachine }] = await Promise.all([
    import('./connect-server.js'),
    import('./upload-files.js'),
  ]);
  const { client, info } = await connectServer(server);
  client.close();
  if (isOnThisMachine(info)) return info.home;
  throw new SweepError(
    'USAGE',
    `the files of trial ${trial} are in ${info.home} on ${info.host}, not on this machine`,
    {
      hint: `on ${info.host}: dss export ${trial} DIR --home ${info.home}`,
    },
  );
}

interface Kept {
  readonly model: string | null;
  readonly rationales: string | null;
}

/** @throws SweepError TRIAL_UNFINISHED, NOTHING_KEPT */
function keptBy({ trial: { trialId }, state }: TrialRecord, home: string): Kept {
  if (state !== 'succeeded') {
    throw new SweepError('TRIAL_UNFINISHED', `trial ${trialId} is not done: it is ${state}`, {
      hint:
        state === 'failed'
          ? `\`dss logs ${trialId.slice(0, 8)}\` has its log`
          : 'what a trial keeps is there when it has succeeded',
    });
  }
  const { model, rationales } = keptFiles(home, trialId);
  const kept = { model: existsSync(model) ? model : null, rationales: existsSync(rationales) ? rationales : null };
  if (kept.model !== null || kept.rationales !== null) return kept;
  throw new SweepError('NOTHING_KEPT', `trial ${trialId} is done, and nothing of it was kept: there is no ${model}`, {
    hint: '`keep: best` below train (or --keep best) keeps the model; run it so with another state folder (--home)',
  });
}

/** Complete or not at all, as far as a crash allows: under a name of its own first. Gives the names of the files. */
async function copyOut({ model, rationales }: Kept, target: string): Promise<readonly string[]> {
  const present = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    if (error.code === 'ENOTDIR') throw new SweepError('USAGE', `${target} is no folder`);
    throw error;
  });
  if (present !== null && present.length > 0) {
    throw new SweepError('USAGE', `${target} is not empty: it holds ${present.sort()[0]}`, {
      hint: 'name a folder that is empty or not there',
    });
  }
  // An empty folder stays the one it is, since a shell may be in it.
  const place = present === null ? dirname(target) : target;
  const draft = join(place, `.${basename(target)}.${randomBytes(6).toString('hex')}.part`);
  await mkdir(place, { recursive: true });
  try {
    if (model === null) await mkdir(draft);
    else await cp(model, draft, { recursive: true });
    if (rationales !== null) await copyFile(rationales, join(draft, basename(rationales)));
    const files = (await readdir(draft)).sort();
    if (present === null) await rename(draft, target);
    else {
      for (const file of files) await rename(join(draft, file), join(target, file));
      await rmdir(draft);
    }
    return files;
  } catch (reason) {
    await rm(draft, { recursive: true, force: true });
    throw reason;
  }
}
