/** Where things are: flags first, then the environment, then the convention. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { SweepError } from '../core/errors.js';

/** State: journal, logs, caches. The XDG rules say that a relative XDG_STATE_HOME counts as unset. */
export function resolveHome(flag: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const chosen = flag === undefined ? nonEmpty(env['DSS_HOME']) : mustBeNamed(flag, '--home');
  if (chosen !== undefined) return mustTakeFolders(resolve(chosen));
  const state = nonEmpty(env['XDG_STATE_HOME']);
  return join(state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local', 'state'), 'dss');
}

export function resolveDatasets(flag: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  if (flag !== undefined) mustBeNamed(flag, '--datasets');
  return resolve(flag ?? nonEmpty(env['DSS_DATASETS']) ?? 'datasets');
}

/**
 * Node goes round for ever where a folder is there and none can be made in it, as below /proc.
 *
 * @throws SweepError USAGE
 */
export function mustTakeFolders(path: string): string {
  if (!/^\/(proc|sys)(\/|$)/.test(path)) return path;
  throw new SweepError('USAGE', `no folder can be made at ${path}`, { hint: 'name one on a disk' });
}

/** @throws SweepError USAGE */
function mustBeNamed(path: string, flag: string): string {
  if (path !== '') return path;
  throw new SweepError('USAGE', `${flag}: expected a folder, got an empty text`, {
    hint: 'is the variable that it comes from set? `.` is the folder here',
  });
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
