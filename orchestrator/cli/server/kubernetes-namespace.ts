/** `-n NAMESPACE`, as people know it from kubectl: it becomes part of the address that `--server` gives. */
import { SweepError } from '../../core/errors.js';

/** Commands that may start workers in Kubernetes by themselves, and take a namespace for that. */
const START_WORKERS: readonly unknown[] = ['serve', 'sweep'];
const ADDRESS = /^kubernetes:\/\/([^/]*)(\/.*)?$/;

/**
 * Gives the flags of a command with `server` as if it had said the namespace itself.
 *
 * @throws SweepError USAGE where it would mean nothing, or something else than the address says
 */
export function withNamespace<T extends object>(flags: T, env: NodeJS.ProcessEnv = process.env): T {
  const { namespace, server, home, _: words } = flags as Readonly<Record<string, unknown>>;
  if (typeof namespace !== 'string') return flags;
  const address = server ?? (home === undefined ? env['DSS_SERVER'] || undefined : undefined);
  const [, named = '', service = ''] = ADDRESS.exec(String(address)) ?? [];
  if (typeof address !== 'string' || !ADDRESS.test(address)) {
    if (address === undefined && Array.isArray(words) && START_WORKERS.includes(words[0])) return flags;
    const got = address === undefined ? 'got none' : `got ${String(address)}`;
    throw new SweepError('USAGE', `--namespace: expected --server kubernetes:// beside it, ${got}`, {
      hint: `for a control plane in Kubernetes: --server kubernetes:// -n ${namespace}`,
    });
  }
  if (named !== '' && named !== namespace) {
    throw new SweepError('USAGE', `--namespace: expected ${named}, which --server ${address} names, got ${namespace}`, {
      hint: `leave one of them out: --server kubernetes://${service} -n ${namespace}`,
    });
  }
  return { ...flags, server: `kubernetes://${namespace}${service}` };
}
