/** What containers are given from elsewhere: Secrets, config maps, and fields of their own pod. */
import { ApiError, type NodeApi } from './node-api.js';
import { HOST_ADDRESS } from './node-config.js';
import type { ContainerSpec, LocalReference, Pod } from './objects.js';

/** What keeps a container from being made, as Kubernetes calls it. It is tried again. */
export class ConfigError extends Error {}

interface Data {
  readonly data?: Readonly<Record<string, string>>;
}

export class PodSources {
  readonly #api: NodeApi;
  readonly #pod: Pod;
  readonly #address: string;
  readonly #node: string;

  constructor(api: NodeApi, pod: Pod, address: string, node: string) {
    this.#api = api;
    this.#pod = pod;
    this.#address = address;
    this.#node = node;
  }

  async secret(reference: LocalReference): Promise<ReadonlyMap<string, Buffer>> {
    const data = await this.#read('secret', 'secrets', reference);
    return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
  }

  async configMap(reference: LocalReference): Promise<ReadonlyMap<string, Buffer>> {
    const data = await this.#read('configmap', 'configmaps', reference);
    return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value)]));
  }

  /** Of the pod's service account, bound to the pod. */
  async token(audience: string | undefined, expirationSeconds: number): Promise<string> {
    const { namespace, name, uid } = this.#pod.metadata;
    const account = this.#pod.spec.serviceAccountName ?? 'default';
    const { status } = await this.#api.call<{ readonly status: { readonly token: string } }>(
      'POST',
      `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          audiences: audience === undefined ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
    );
    return status.token;
  }

  /** The folder of this machine that a claim stands for. */
  async claimed(claim: string): Promise<string> {
    const { namespace } = this.#pod.metadata;
    const { spec } = await this.#api.call<{ readonly spec: { readonly volumeName?: string } }>(
      'GET',
      `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claim}`,
    );
    const volume = await this.#api.call<{ readonly spec: { readonly hostPath?: { readonly path: string } } }>(
      'GET',
      `/api/v1/persistentvolumes/${spec.volumeName}`,
    );
    if (volume.spec.hostPath === undefined) throw new ConfigError(`the volume of claim "${claim}" is no hostPath`);
    return volume.spec.hostPath.path;
  }

  field(path: string): string {
    const { metadata, spec } = this.#pod;
    const [, kind, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
    if (key !== undefined) return metadata[kind as 'labels' | 'annotations']?.[key] ?? '';
    const fields: Readonly<Record<string, string>> = {
      'metadata.name': metadata.name,
      'metadata.namespace': metadata.namespace,
      'metadata.uid': metadata.uid,
      'spec.nodeName': this.#node,
      'spec.serviceAccountName': spec.serviceAccountName ?? 'default',
      'status.hostIP': HOST_ADDRESS,
      'status.podIP': this.#address,
    };
    const value = fields[path];
    if (value === undefined) throw new ConfigError(`field "${path}" is unknown to this node`);
    return value;
  }

  /** @throws ConfigError */
  async environment({ env = [], envFrom = [], resources }: ContainerSpec): Promise<Readonly<Record<string, string>>> {
    const made: Record<string, string> = {};
    for (const { prefix = '', secretRef, configMapRef } of envFrom) {
      const data = secretRef ? await this.secret(secretRef) : await this.configMap(configMapRef as LocalReference);
      for (const [key, value] of data) made[prefix + key] = value.toString();
    }
    for (const { name, value = '', valueFrom } of env) {
      const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom ?? {};
      const keyRef = secretKeyRef ?? configMapKeyRef;
      if (fieldRef !== undefined) made[name] = this.field(fieldRef.fieldPath);
      else if (resourceFieldRef !== undefined) {
        made[name] = resources?.limits?.[resourceFieldRef.resource.replace(/^limits\./, '')] ?? '0';
      } else if (keyRef !== undefined) {
        const data = secretKeyRef ? await this.secret(keyRef) : await this.configMap(keyRef);
        const found = data.get(keyRef.key);
        if (found !== undefined) made[name] = found.toString();
        else if (keyRef.optional !== true) throw new ConfigError(`couldn't find key ${keyRef.key} in ${keyRef.name}`);
      } else made[name] = expand(value, made);
    }
    return made;
  }

  async #read(
    kind: string,
    plural: string,
    { name, optional }: LocalReference,
  ): Promise<Readonly<Record<string, string>>> {
    const { namespace } = this.#pod.metadata;
    try {
      return (await this.#api.call<Data>('GET', `/api/v1/namespaces/${namespace}/${plural}/${name}`)).data ?? {};
    } catch (error) {
      // A node may read what pods of its own name; that it has such a pod is known a moment later.
      if (!(error instanceof ApiError) || (error.status !== 404 && error.status !== 403)) throw error;
      if (error.status === 404 && optional === true) return {};
      throw new ConfigError(`${kind} "${name}" not found`);
    }
  }
}

/** `$(NAME)` for what is known, `$$` for a dollar. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (whole, name: string) =>
    whole === '$$' ? '$' : (env[name] ?? whole),
  );
}
