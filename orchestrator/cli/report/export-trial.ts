/** What `dss export` does: copies a trial's kept model and generated rationales out of the state folder. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { keptFiles } from '../../control/trial-folder.js';
import { SweepError } from '../../core/errors.js';
import type { TrialRecord } from '../../core/records.js';
import { resolveHome } from '../environment.js';
import { note, print, printJson } from '../output.js';
import { findTrial, withReader } from '../readers/sweep-reader.js';
import { findServer, type Server, type WhereFlags } from '../server/find-server.js';

export interface ExportFlags extends WhereFlags {
  readonly trial: string;
  readonly dir: string;
  readonly json: boolean;
}

export async function exportTrial({ trial, dir, json, ...where }: ExportFlags): Promise<number> {
  const target = resolve(dir);
  const { trialId, kept, files } = await exported(trial, target, where);
  if (!json) for (const file of files) print(join(target, file));
  else printJson({ id: trialId, directory: target, files });
  if (kept.model === null) note('its model was not kept: `keep: best` below train, or --keep best, keeps one');
  return 0;
}

interface Exported {
  readonly trialId: string;
  readonly kept: Kept;
  /** Their names. */
  readonly files: readonly string[];
}

async function exported(trial: string, target: string, where: WhereFlags): Promise<Exported> {
  const server = await findServer(where);
  const home = server === null ? resolveHome(where.home) : await folderHere(server);
  const record = await withReader(home === null ? where : { home }, async (reader) => {
    return reader.trial(await findTrial(reader, trial));
  });
  const { trialId } = record.trial;
  mustBeDone(record);
  if (home !== null || server === null) {
    const kept = keptBy(trialId, keptFiles(home ?? '', trialId));
    return { trialId, kept, files: await copyOut(kept, target) };
  }
  await mustBeFree(target);
  // Beside the target, so that it is the same disk, and gone whatever happens.
  const fetched = `${join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)}.part`;
  await mkdir(fetched, { recursive: true });
  try {
    await fetchTo(fetched, trialId, server);
    const { model, rationales } = keptFiles('', trialId);
    const here = { model: join(fetched, basename(model)), rationales: join(fetched, basename(rationales)) };
    const kept = keptBy(trialId, here, `model of it at ${server.name ?? server.address}`);
    return { trialId, kept, files: await copyOut(kept, target) };
  } finally {
    await rm(fetched, { recursive: true, force: true });
  }
}

/** The state folder of a control plane, where this machine has it; `null`: it is elsewhere. */
async function folderHere(server: Server): Promise<string | null> {
  const [{ connectServer }, { isOnThisMachine }] = await Promise.all([
    import('../server/connect-server.js'),
    import('../server/upload-files.js'),
  ]);
  const { client, info } = await connectServer(server);
  client.close();
  return isOnThisMachine(info) ? info.home : null;
}

async function fetchTo(folder: string, trialId: string, server: Server): Promise<void> {
  const [{ connectServer }, { storeAddressOf }, { fetchKept }] = await Promise.all([
    import('../server/connect-server.js'),
    import('../server/upload-files.js'),
    import('../../control/store-client.js'),
  ]);
  const { client, info } = await connectServer(server);
  client.close();
  if (info.storePort === 0 && server.storeAddress === undefined) {
    throw new SweepError(
      'USAGE',
      `the files of trial ${trialId} are in ${info.home} on ${info.host}, and do not travel`,
      {
        hint: `on ${info.host}: dss export ${trialId} DIR --home ${info.home}; or serve without --store-listen off`,
      },
    );
  }
  await fetchKept(trialId, folder, { ...server, address: storeAddressOf({ ...server, info }) });
}

interface Kept {
  readonly model: string | null;
  readonly rationales: string | null;
}

/** @throws SweepError TRIAL_UNFINISHED */
function mustBeDone({ trial: { trialId }, state }: TrialRecord): void {
  if (state === 'succeeded') return;
  throw new SweepError('TRIAL_UNFINISHED', `trial ${trialId} is not done: it is ${state}`, {
    hint:
      state === 'failed'
        ? `\`dss logs ${trialId.slice(0, 8)}\` has its log`
        : 'what a trial keeps is there when it has succeeded',
  });
}

/** @throws SweepError NOTHING_KEPT */
function keptBy(trialId: string, { model, rationales }: ReturnType<typeof keptFiles>, place = model): Kept {
  const kept = { model: existsSync(model) ? model : null, rationales: existsSync(rationales) ? rationales : null };
  if (kept.model !== null || kept.rationales !== null) return kept;
  throw new SweepError('NOTHING_KEPT', `trial ${trialId} is done, and nothing of it was kept: there is no ${place}`, {
    hint: '`keep: best` below train (or --keep best) keeps the model; `--rerun` trains a trial again that is done',
  });
}

/** Complete or not at all, as far as a crash allows: under a name of its own first. Gives the names of the files. */
async function copyOut({ model, rationales }: Kept, target: string): Promise<readonly string[]> {
  const present = await mustBeFree(target);
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

/** Gives what is in it: nothing, or `null` where it is not there. @throws SweepError USAGE */
async function mustBeFree(target: string): Promise<readonly string[] | null> {
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
  return present;
}
