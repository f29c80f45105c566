/** `--server kubernetes://NAMESPACE[/SERVICE]`: the control plane of a namespace, by the kubeconfig alone. */
import { readClientTlsText } from '../../auth/tls-files.js';
import { SweepError } from '../../core/errors.js';
import { KubeApi } from '../../launchers/kubernetes/kube-api.js';
import { findCluster } from '../../launchers/kubernetes/kube-connection.js';
import { KubeError } from '../../launchers/kubernetes/kube-error.js';
import { CA_CONFIG_MAP } from '../../launchers/kubernetes/pool-jobs.js';
import type { Server } from './find-server.js';
import { type ForwardTarget, forwardPort } from './kubernetes-forward.js';
import { type EndPort, readyPodOf, type ServiceFacts, serviceFacts } from './kubernetes-service.js';

export interface KubernetesWishes {
  readonly address: string;
  readonly context: string | undefined;
  /** `null`: none is given, and a Secret of the namespace may have one. */
  readonly token: string | null;
  /** Of DSS_TLS_CA; default: the CA that the control plane has left in the namespace. */
  readonly tls: Server['tls'] | null;
}

const ADDRESS = /^kubernetes:\/\/([a-z0-9-]{0,63})(?:\/([a-z0-9-]{1,63}))?\/?$/;
const DEFAULT_SERVICE = 'dss';
/** For people who may read it. */
const TOKEN_SECRET = 'dss-client';
/** As the Service names them. */
const PORTS = { calls: 'grpc', files: 'files' } as const;

/** @throws SweepError USAGE, UNAVAILABLE, AUTH_INVALID, NOT_ALLOWED */
export async function kubernetesServer({ address, context, token, tls }: KubernetesWishes): Promise<Server> {
  const [, named = '', service = DEFAULT_SERVICE] = ADDRESS.exec(address) ?? [];
  if (!ADDRESS.test(address)) {
    throw new SweepError(
      'USAGE',
      `--server: expected kubernetes://NAMESPACE or kubernetes://NAMESPACE/SERVICE, got "${address}"`,
      {
        hint: "kubernetes:// alone means the namespace of the kubeconfig's context",
      },
    );
  }
  const connection = findCluster({ context, namespace: named === '' ? undefined : named });
  const api = new KubeApi(connection);
  try {
    const facts = await serviceOf(api, service);
    const targetOf = (port: EndPort) => (): Promise<ForwardTarget> => readyPodOf(api, facts, port);
    // Now, so that a pod that is not there is said before anything is begun.
    await targetOf(facts.portOf(PORTS.calls))();
    const trusted = tls ?? (await caOf(api));
    const shown = token ?? (await tokenOf(api));
    const { namespace, load: config } = connection;
    const forward = (port: EndPort) => {
      return forwardPort({ namespace, config, target: targetOf(port), onTrouble: () => {} });
    };
    const files = facts.find(PORTS.files);
    return {
      name: address,
      address: await forward(facts.portOf(PORTS.calls)),
      ...(files === null ? {} : { storeAddress: await forward(files) }),
      token: shown,
      tls: trusted,
    };
  } catch (reason) {
    throw reason instanceof KubeError ? reason.toSweepError() : reason;
  } finally {
    // Only what is asked from here on, if a pod is replaced, opens it again.
    api.close();
  }
}

async function serviceOf(api: KubeApi, name: string): Promise<ServiceFacts> {
  try {
    return serviceFacts(await api.get('services', name));
  } catch (reason) {
    if (!(reason instanceof KubeError) || reason.status !== 404) throw reason;
    throw new SweepError('UNAVAILABLE', `namespace ${api.namespace} has no Service ${name}`, {
      hint: 'kubernetes://NAMESPACE/SERVICE names another one; `kubectl get services -A -l app.kubernetes.io/name=dss`',
      cause: reason,
    });
  }
}

async function caOf(api: KubeApi): Promise<NonNullable<Server['tls']>> {
  try {
    const { data } = (await api.get('configmaps', CA_CONFIG_MAP)) as { data?: Readonly<Record<string, string>> };
    return readClientTlsText(data?.['ca.pem'] ?? '', `ConfigMap ${CA_CONFIG_MAP} of namespace ${api.namespace}`);
  } catch (reason) {
    if (!(reason instanceof KubeError) || reason.status !== 404) throw reason;
    throw new SweepError('AUTH_INVALID', `namespace ${api.namespace} has no ConfigMap ${CA_CONFIG_MAP} with the CA`, {
      hint: 'its control plane makes it once it listens; DSS_TLS_CA names a file with the CA instead',
      cause: reason,
    });
  }
}

/** Where RBAC lets us: somebody who may read it may act with it. */
async function tokenOf(api: KubeApi): Promise<string> {
  try {
    const { data } = (await api.get('secrets', TOKEN_SECRET)) as { data?: Readonly<Record<string, string>> };
    const token = Buffer.from(data?.['token'] ?? '', 'base64')
      .toString('utf8')
      .trim();
    if (/^[!-~]+$/.test(token)) return token;
  } catch (reason) {
    if (!(reason instanceof KubeError) || (reason.status !== 403 && reason.status !== 404)) throw reason;
  }
  const { namespace } = api;
  throw new SweepError(
    'AUTH_INVALID',
    `no token for the control plane of namespace ${namespace}: DSS_TOKEN_FILE is not set`,
    {
      hint: `kubectl exec -n ${namespace} dss-0 -- dss auth token create --user NAME --role submit`,
    },
  );
}
