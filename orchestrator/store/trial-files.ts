/**
 * What becomes of a trial's files: checkpoints and what is kept of it. Those that workers of other machines sent lie in
 * the store; from there they get their names in the trial's own folder, where they are as if the trial had run here.
 *
 * One rule, wherever a trial ran: a checkpoint stays while its trial may go on from it, which a failed one may, by
 * `dss retry`. It goes when the trial has succeeded or was cancelled, unless it is to be kept.
 */
import { randomBytes } from 'node:crypto';
import { constants, copyFileSync, existsSync, linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TrialRecord } from '../core/records.js';
import type { StoredCheckpoint, StoredFile } from '../core/stored-file.js';
import type { FileStore } from './file-store.js';

/** As the worker names what it has not finished, so that whoever of both comes next removes it. */
const UNFINISHED = '.unfinished-';

/** Of a journal. */
export interface JournalOfFiles {
  trial(trialId: string): TrialRecord | null;
  storedCheckpoint(trialId: string): StoredCheckpoint | null;
}

export class TrialFiles {
  readonly #home: string;
  readonly #store: FileStore;

  /** @param home the state folder, absolute */
  constructor(home: string, store: FileStore) {
    this.#home = home;
    this.#store = store;
  }

  /** Whether all of these have arrived. */
  areStored(trialId: string, files: readonly StoredFile[]): boolean {
    return this.#store.missingOf(trialId, files).length === 0;
  }

  /**
   * A newer checkpoint is durable. It gets its place in the trial's folder, for a worker that shares that, and of the one
   * before goes what both do not have in common.
   */
  checkpointed(trialId: string, before: StoredCheckpoint | null, now: StoredCheckpoint): void {
    const checkpoints = this.#checkpoints(trialId);
    this.#placeFolder(trialId, now.files, join(checkpoints, now.path));
    if (before === null) return;
    if (before.path !== now.path) this.#store.discard(join(checkpoints, before.path));
    const kept = digestsOf(now);
    this.#store.forget(
      trialId,
      [...digestsOf(before)].filter((sha256) => !kept.has(sha256)),
    );
  }

  /** Another attempt begins, which goes on from its newest checkpoint, if it has one: nobody else writes any more. */
  begun(trialId: string, newest: StoredCheckpoint | null): void {
    if (this.#store.mayHave(trialId)) this.#store.keepOnly(trialId, digestsOf(newest));
  }

  /** What is kept of a trial. */
  placeKept(trialId: string, files: readonly StoredFile[]): void {
    const folder = join(this.#home, 'trials', trialId);
    const alone: StoredFile[] = [];
    const within = new Map<string, StoredFile[]>();
    for (const file of files) {
      const [name = '', ...rest] = file.path.split('/');
      if (rest.length === 0) alone.push(file);
      else within.set(name, [...(within.get(name) ?? []), { ...file, path: rest.join('/') }]);
    }
    for (const [name, those] of within) this.#placeFolder(trialId, those, join(folder, name));
    for (const { path, sha256 } of alone) {
      const draft = unfinished(join(folder, path));
      this.#place(trialId, sha256, draft);
      renameSync(draft, join(folder, path));
    }
  }

  /** It is done with, or was cancelled. Where a worker shares the folder, it removes itself what a trial that is done leaves. */
  ended(trialId: string, how: 'succeeded' | 'cancelled', keepsCheckpoints: () => boolean): void {
    const isHere = this.#store.mayHave(trialId);
    const checkpoints = this.#checkpoints(trialId);
    if (!isHere && (how === 'succeeded' || !existsSync(checkpoints))) return;
    if (!keepsCheckpoints()) this.#store.discard(checkpoints);
    this.#store.keepOnly(trialId, new Set());
  }

  /** At a start: what a former control plane did not come to. Attempts that run may be about to name what they sent. */
  recover(journal: JournalOfFiles): void {
    for (const trialId of this.#store.tidyUp()) {
      const record = journal.trial(trialId);
      const state = record?.state ?? 'cancelled';
      if (state === 'succeeded' || state === 'cancelled') {
        this.ended(trialId, state, () => record?.trial.run.keepCheckpoints ?? false);
      } else if (state !== 'running') this.begun(trialId, journal.storedCheckpoint(trialId));
    }
  }

  #checkpoints(trialId: string): string {
    return join(this.#home, 'trials', trialId, 'checkpoints');
  }

  /** All of it or nothing. */
  #placeFolder(trialId: string, files: readonly StoredFile[], target: string): void {
    const draft = unfinished(target);
    try {
      for (const { path, sha256 } of files) this.#place(trialId, sha256, join(draft, path));
      this.#store.discard(target); // a folder cannot be renamed over one with files in it
      renameSync(draft, target);
    } catch (reason) {
      rmSync(draft, { recursive: true, force: true });
      throw reason;
    }
  }

  /** One file under two names, where the disk can do that: gigabytes need not be copied. */
  #place(trialId: string, sha256: string, target: string): void {
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    const source = this.#store.pathOf(trialId, sha256);
    try {
      linkSync(source, target);
    } catch (reason) {
      const { code } = reason as NodeJS.ErrnoException;
      // What has that name already may be the same file as another in the store: nothing is written through it.
      if (code === 'ENOENT' || code === 'EEXIST') throw reason;
      copyFileSync(source, target, constants.COPYFILE_EXCL);
    }
  }
}

function unfinished(target: string): string {
  return join(dirname(target), `${UNFINISHED}${basename(target)}-${randomBytes(4).toString('hex')}`);
}

function digestsOf(checkpoint: StoredCheckpoint | null): ReadonlySet<string> {
  return new Set(checkpoint?.files.map(({ sha256 }) => sha256));
}
