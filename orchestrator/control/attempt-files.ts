/** What attempts send to the store, in step with what the journal says of them. */
import type { Logger } from 'pino';
import type { Failure } from '../core/domain.js';
import type { StoredCheckpoint, StoredFile } from '../core/stored-file.js';
import type { Journal } from '../journal/journal.js';
import type { TrialFiles } from '../store/trial-files.js';

export interface AttemptFilesParts {
  readonly journal: Journal;
  readonly logger: Logger;
  /** Absent: trials have no files here. */
  readonly files?: TrialFiles;
}

/**
 * What goes wrong with files is no reason to end everything: at worst a trial begins anew, or bytes lie about until
 * `dss doctor` finds them.
 */
export class AttemptFiles {
  readonly #parts: AttemptFilesParts;

  constructor(parts: AttemptFilesParts) {
    this.#parts = parts;
  }

  /** Of what a report says is in the store: all, or nothing where not all is. Another machine would look in vain. */
  storedOf(trialId: string, step: number, said: readonly StoredFile[]): readonly StoredFile[] {
    const { files, logger } = this.#parts;
    if (said.length === 0 || files?.areStored(trialId, said) === true) return said;
    logger.warn({ trialId, step }, 'files of a checkpoint are not in the store');
    return [];
  }

  /** Once a checkpoint is durable. */
  checkpointed(trialId: string, before: StoredCheckpoint | null, now: StoredCheckpoint): void {
    this.#try(trialId, (files) => files.checkpointed(trialId, before, now));
  }

  /**
   * Puts what is kept of a trial in its place, before its result is durable: once that is, nobody sends it again.
   * `null`: it is there. Else why not: the next attempt goes on from the last checkpoint, and sends it anew.
   */
  placeKept(trialId: string, kept: readonly StoredFile[]): Failure | null {
    const { files, logger } = this.#parts;
    if (kept.length === 0 || files === undefined) return null;
    try {
      files.placeKept(trialId, kept);
      return null;
    } catch (reason) {
      logger.warn({ trialId, err: reason }, 'what is kept of a trial could not be put in its place');
      const message = `what is kept of the trial is not there: ${reason instanceof Error ? reason.message : reason}`;
      const hint = 'see that the state folder has room and can be written';
      return { code: 'NOT_KEPT', message, hint, detail: '', kind: 'infrastructure' };
    }
  }

  /** For whoever is lent the trial now: the newest checkpoint in the store. */
  begun(trialId: string): StoredCheckpoint | null {
    const { journal, files } = this.#parts;
    if (files === undefined) return null;
    const checkpoint = journal.storedCheckpoint(trialId);
    this.#try(trialId, () => files.begun(trialId, checkpoint));
    return checkpoint !== null && files.areStored(trialId, checkpoint.files) ? checkpoint : null;
  }

  /** Once it is durable that a trial needs no checkpoint any more. */
  ended(trialId: string, how: 'succeeded' | 'cancelled'): void {
    const keepsCheckpoints = () => this.#parts.journal.trial(trialId)?.trial.run.keepCheckpoints ?? false;
    this.#try(trialId, (files) => files.ended(trialId, how, keepsCheckpoints));
  }

  #try(trialId: string, work: (files: TrialFiles) => void): void {
    const { files, logger } = this.#parts;
    if (files === undefined) return;
    try {
      work(files);
    } catch (reason) {
      logger.warn({ trialId, err: reason }, 'files of a trial could not be put in order');
    }
  }
}
