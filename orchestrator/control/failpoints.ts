/**
 * Faults on demand, for tests: `DSS_FAILPOINT=POINT:ACTION[:NTH]`, several by comma, makes the process fail where it
 * hurts most, when it comes there for the NTH time (else the first). `after-commit:sigkill:3` kills it between the
 * third turn's commit and the first word about it.
 *
 * One table for the process, 2026-11: a failpoint threaded through constructors would be in every signature for the
 * sake of tests. Unset, a point costs one comparison with `null`.
 */
import { SweepError } from '../core/errors.js';

/** Where the process may be made to fail. */
const POINTS = [
  /** In a turn's transaction, with everything written and nothing durable. */
  'before-commit',
  /** What the turn wrote is durable; nobody was told. */
  'after-commit',
  /** Reports are durable and about to be acknowledged. */
  'before-acknowledge',
  'after-acknowledge',
  /** A worker's process is about to start. */
  'before-launch',
  /** It runs, and nobody has noted it. */
  'after-launch',
  /** Part of a submission is durable and was not answered. */
  'submit-part',
  /** The state folder is ours and the server listens, but control.json is not written. */
  'before-lock-announce',
  /** Log lines of a trial are about to be written. */
  'log-append',
] as const;

export type Failpoint = (typeof POINTS)[number];

const ERRORS: Readonly<Record<string, string>> = { eio: 'i/o error', enospc: 'no space left on device' };
const ACTIONS = 'exit, sigkill, eio, enospc, delay=MS';

interface Armed {
  readonly act: () => void;
  /** Passes until it acts, which it does once. */
  left: number;
}

let armed: ReadonlyMap<Failpoint, readonly Armed[]> | null = null;

/** Throws SweepError USAGE for what is no failpoint. An unset or empty variable disarms all. */
export function armFailpoints(env: NodeJS.ProcessEnv): void {
  const text = env['DSS_FAILPOINT'] ?? '';
  armed = text === '' ? null : parse(text);
}

export function failpoint(point: Failpoint): void {
  if (armed === null) return;
  for (const each of armed.get(point) ?? []) {
    each.left -= 1;
    if (each.left === 0) each.act();
  }
}

function parse(text: string): ReadonlyMap<Failpoint, readonly Armed[]> {
  const points = new Map<Failpoint, Armed[]>();
  for (const entry of text.split(',')) {
    const [name = '', action = '', nth = '1', ...rest] = entry.trim().split(':');
    const point = POINTS.find((each) => each === name);
    if (point === undefined) throw wrong(entry, `there is no failpoint "${name}"`, `points: ${POINTS.join(', ')}`);
    const act = actionOf(point, action);
    if (act === null) throw wrong(entry, `"${action}" is no action`, `actions: ${ACTIONS}`);
    if (!/^[1-9]\d{0,8}$/.test(nth) || rest.length > 0) {
      throw wrong(entry, `"${[nth, ...rest].join(':')}" is no count`, 'POINT:ACTION:3 acts at the third pass');
    }
    points.set(point, [...(points.get(point) ?? []), { act, left: Number(nth) }]);
  }
  return points;
}

function actionOf(point: Failpoint, action: string): (() => void) | null {
  const code = Object.hasOwn(ERRORS, action) ? action.toUpperCase() : null;
  if (code !== null) {
    // As Node words what the system says, so that nothing downstream can tell them apart.
    return () => {
      throw Object.assign(new Error(`${code}: ${ERRORS[action]}, failpoint ${point}`), { code });
    };
  }
  const delay = /^delay=(\d{1,6})$/.exec(action)?.[1];
  // The whole process stands still, as under SIGSTOP or a slow disk.
  if (delay !== undefined)
    return () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(delay));
  if (action === 'exit') return () => process.exit(70);
  if (action === 'sigkill') return () => process.kill(process.pid, 'SIGKILL');
  return null;
}

function wrong(entry: string, message: string, hint: string): SweepError {
  return new SweepError('USAGE', `DSS_FAILPOINT "${entry}": ${message}`, { hint });
}
