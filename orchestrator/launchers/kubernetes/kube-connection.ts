/** Which cluster, as whom, and in which namespace: as kubectl users expect. */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { SweepError } from '../../core/errors.js';

export interface KubeConnection {
  /** Read anew at each call: kubeconfigs are rewritten and mounted tokens renewed under us. */
  readonly load: () => KubeConfig;
  /** Of the context, or of the service account's pod. */
  readonly namespace: string;
  /** As the service account of the pod that this runs in. */
  readonly isInCluster: boolean;
  /** For messages: where all this was found. */
  readonly source: string;
}

export interface KubeWishes {
  /** Of the kubeconfig; default: its current one. */
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
}

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
const DEFAULT_NAMESPACE = 'default';

/** By KUBECONFIG, else ~/.kube/config, else as the service account of the pod that this runs in. @throws SweepError */
export function findCluster(wishes: KubeWishes, env: NodeJS.ProcessEnv = process.env): KubeConnection {
  const files = kubeconfigsOf(env);
  if (files.length > 0) return byKubeconfig(files, wishes);
  if (wishes.context !== undefined) throw noCluster(`there is no kubeconfig with context "${wishes.context}"`);
  const token = join(ACCOUNT_FOLDER, 'token');
  if (!env['KUBERNETES_SERVICE_HOST'] || !existsSync(token)) throw noCluster('no Kubernetes cluster is known here');
  const load = () => {
    const config = new KubeConfig();
    config.loadFromCluster();
    return config;
  };
  const source = 'the service account of this pod';
  return { load, namespace: wishes.namespace ?? podNamespace(), isInCluster: true, source };
}

function kubeconfigsOf(env: NodeJS.ProcessEnv): readonly string[] {
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (named.length > 0) return named;
  const usual = join(env['HOME'] ?? '/', '.kube', 'config');
  return existsSync(usual) ? [usual] : [];
}

function byKubeconfig(files: readonly string[], { context, namespace }: KubeWishes): KubeConnection {
  const load = () => {
    const config = readKubeconfigs(files);
    if (context !== undefined) config.setCurrentContext(context);
    return config;
  };
  const source = files.join(delimiter);
  const config = load();
  const current = config.getContextObject(config.getCurrentContext());
  if (current === null || config.getCurrentCluster() === null) {
    const known = config.getContexts().map(({ name }) => name);
    const what = context === undefined ? 'names no current context' : `has no context "${context}"`;
    throw new SweepError('USAGE', `${source} ${what}`, {
      hint: known.length === 0 ? 'it has none at all' : `--context takes one of ${known.join(', ')}`,
    });
  }
  return { load, namespace: namespace ?? current.namespace ?? DEFAULT_NAMESPACE, isInCluster: false, source };
}

function readKubeconfigs(files: readonly string[]): KubeConfig {
  const config = new KubeConfig();
  for (const [index, file] of files.entries()) {
    const each = index === 0 ? config : new KubeConfig();
    try {
      each.loadFromFile(file);
      if (index > 0) config.mergeConfig(each, true);
    } catch (cause) {
      throw new SweepError('USAGE', `the kubeconfig ${file} cannot be used: ${(cause as Error).message}`, {
        hint: 'KUBECONFIG names another; `kubectl config view` shows what it holds',
        cause,
      });
    }
  }
  return config;
}

function podNamespace(): string {
  try {
    return readFileSync(join(ACCOUNT_FOLDER, 'namespace'), 'utf8').trim() || DEFAULT_NAMESPACE;
  } catch {
    return DEFAULT_NAMESPACE;
  }
}

function noCluster(message: string): SweepError {
  return new SweepError('USAGE', message, {
    hint: 'KUBECONFIG names a kubeconfig (default: ~/.kube/config); in a pod its service account is used',
  });
}
