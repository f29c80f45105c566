/** The store of a control plane, one for all of its ports. */
import type { Logger } from 'pino';
import type { Journal } from '../journal/journal.js';
import { FileStore } from '../store/file-store.js';
import { ReferencedFiles } from '../store/referenced-files.js';
import { SourcePaths } from '../store/source-paths.js';
import { TrialFiles } from '../store/trial-files.js';
import type { StoreServiceServer } from '../wire/generated/dss/v1/store.js';
import { mustBePerson, type StoreAccessParts, storeAccessOf } from './store-access.js';
import { createStoreService } from './store-service.js';

export interface PlaneStoreParts {
  /** The state folder, which is ours alone. */
  readonly home: string;
  readonly journal: Journal;
  readonly logger: Logger;
  /** Of the disk, what it leaves free. */
  readonly spareBytes?: number | undefined;
  /** Without a byte of a file that is sent. */
  readonly idleMs?: number | undefined;
}

export class PlaneStore {
  readonly files: TrialFiles;
  readonly #store: FileStore;
  readonly #referenced: ReferencedFiles;
  readonly #logger: Logger;
  readonly #idleMs: number | undefined;
  readonly #home: string;

  /** Puts in order what a former control plane left. */
  constructor({ home, journal, logger, spareBytes, idleMs }: PlaneStoreParts) {
    this.#idleMs = idleMs;
    this.#home = home;
    this.#store = new FileStore(home, spareBytes);
    this.files = new TrialFiles(home, this.#store);
    this.#logger = logger;
    const paths = new SourcePaths((place) => journal.sources(place));
    this.#referenced = new ReferencedFiles((sha256) => paths.of(sha256));
    this.files.recover(journal);
  }

  serviceFor(access: StoreAccessParts): StoreServiceServer {
    return createStoreService({
      store: this.#store,
      referenced: this.#referenced,
      logger: this.#logger,
      ...(this.#idleMs === undefined ? {} : { idleMs: this.#idleMs }),
      home: this.#home,
      accessOf: (call, scope) => storeAccessOf(call, scope, access),
      mustBePerson: (call) => mustBePerson(call, access),
    });
  }
}
