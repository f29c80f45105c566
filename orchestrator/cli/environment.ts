/** Where things are: flags first, then the environment, then the convention. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** State: journal, logs, caches. The XDG rules say that a relative XDG_STATE_HOME counts as unset. */
export function resolveHome(flag: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const chosen = flag ?? nonEmpty(env['DSS_HOME']);
  if (chosen !== undefined) return resolve(chosen);
  const state = nonEmpty(env['XDG_STATE_HOME']);
  return join(state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local', 'state'), 'dss');
}

export function resolveDatasets(flag: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(flag ?? nonEmpty(env['DSS_DATASETS']) ?? 'datasets');
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
