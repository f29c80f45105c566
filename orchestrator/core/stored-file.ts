/** Files that travel by their content; proto/dss/v1/store.proto says how. */

export interface StoredFile {
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** A checkpoint whose files lie in the store, in its trial's scope. */
export interface StoredCheckpoint {
  readonly step: number;
  /** Its folder's name. */
  readonly path: string;
  readonly files: readonly StoredFile[];
}
