/**
 * A network of a process's own, with nothing in it but loopback: every port is free there, and what listens on all
 * addresses can be reached from nowhere else.
 */
import { spawnSync } from 'node:child_process';

/** Set for processes that are in one. */
const VARIABLE = 'DSS_TEST_OWN_NETWORK';
const ENTER = ['unshare', '--net', '--', '/bin/sh', '-c', 'ip link set lo up && exec "$@"', 'sh'] as const;

export interface OwnNetwork {
  /** To be put before a command. */
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** `null`: this user may make none here. */
export function ownNetwork(): OwnNetwork | null {
  const [program, ...words] = [...ENTER, 'true'];
  if (spawnSync(program, words, { stdio: 'ignore' }).status !== 0) return null;
  return { words: ENTER, env: { [VARIABLE]: '1' } };
}

/** Why what takes fixed ports cannot be shown here, or `null`. */
export function whyNoNetwork(): string | null {
  return process.env[VARIABLE] === '1'
    ? null
    : 'it takes fixed ports: `npm run test:kubernetes` runs it in a network of its own, as root with iproute2';
}
