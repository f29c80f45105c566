/** What one look of `dss doctor` found. */

export interface Check {
  /** What was looked at. */
  readonly name: string;
  /** `problem`: dss does not work, or does not keep its promises, until it is mended. */
  readonly verdict: 'ok' | 'warning' | 'problem';
  readonly what: string;
  /** The command, or the step where no command will do; empty when there is nothing to do. */
  readonly repair: string;
}

export function ok(name: string, what: string): Check {
  return { name, verdict: 'ok', what, repair: '' };
}

export function warning(name: string, what: string, repair: string): Check {
  return { name, verdict: 'warning', what, repair };
}

export function problem(name: string, what: string, repair: string): Check {
  return { name, verdict: 'problem', what, repair };
}
