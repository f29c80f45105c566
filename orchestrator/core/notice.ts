/** What somebody should know while it stands, and what they can do about it: shown beside the state of the sweeps. */
export interface Notice {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}
