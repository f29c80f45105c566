/** What is asked of one namespace of an API server. */
import { z } from 'zod';
import type { KubeConnection } from './kube-connection.js';
import { type KubeCall, KubeError } from './kube-error.js';
import { type Ask, KubeTransport, type KubeTransportOptions } from './kube-transport.js';

export type Resource = 'pods' | 'events' | 'secrets' | 'configmaps' | 'services' | 'jobs';

export interface Selector {
  readonly labels?: string;
  readonly fields?: string;
}

export interface Listed {
  readonly items: readonly unknown[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

const GROUP: Readonly<Partial<Record<Resource, string>>> = { jobs: '/apis/batch/v1' };
const MERGE_PATCH = 'application/merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';
const PAGE = '500';
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const LONGEST_LINE = 16 * 1024 * 1024;

const ListAnswer = z.object({
  items: z.array(z.unknown()),
  metadata: z.object({ resourceVersion: z.string().default(''), continue: z.string().optional() }),
});
const WatchLine = z.object({ type: z.string(), object: z.unknown() });

export class KubeApi {
  readonly namespace: string;
  readonly #transport: KubeTransport;

  constructor(connection: KubeConnection, options: KubeTransportOptions = {}) {
    this.namespace = connection.namespace;
    this.#transport = new KubeTransport(connection, options);
  }

  async list(resource: Resource, { labels, fields }: Selector, signal?: AbortSignal): Promise<Listed> {
    const items: unknown[] = [];
    let from: string | undefined;
    for (;;) {
      const query = { labelSelector: labels, fieldSelector: fields, limit: PAGE, continue: from };
      const path = this.#pathOf(resource);
      const answer = await this.#ask(this.#call('list', resource), { method: 'GET', path, query, signal });
      const page = ListAnswer.parse(JSON.parse(answer));
      items.push(...page.items);
      if (!page.metadata.continue) return { items, resourceVersion: page.metadata.resourceVersion };
      from = page.metadata.continue;
    }
  }

  async get(resource: Resource, name: string): Promise<unknown> {
    const path = this.#pathOf(resource, name);
    return JSON.parse(await this.#ask(this.#call('get', resource), { method: 'GET', path }));
  }

  async create(resource: Resource, body: unknown): Promise<unknown> {
    const path = this.#pathOf(resource);
    return JSON.parse(await this.#ask(this.#call('create', resource), { method: 'POST', path, body }));
  }

  /** As RFC 7396 merges: `null` removes. */
  async patch(resource: Resource, name: string, body: unknown): Promise<unknown> {
    const ask = { method: 'PATCH', path: this.#pathOf(resource, name), body, contentType: MERGE_PATCH };
    return JSON.parse(await this.#ask(this.#call('patch', resource), ask));
  }

  /** Made when it is not there; what others have set besides stays. */
  async apply(resource: Resource, name: string, body: unknown): Promise<unknown> {
    const query = { fieldManager: 'dss', force: 'true' };
    const ask = { method: 'PATCH', path: this.#pathOf(resource, name), body, query, contentType: APPLY_PATCH };
    return JSON.parse(await this.#ask(this.#call('patch', resource), ask));
  }

  /** With all that it owns. Only the very one of that `uid`; one that is gone already is no error. */
  async delete(resource: Resource, name: string, uid?: string): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      // Without it the Job would go and its pods stay.
      propagationPolicy: 'Background',
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    };
    try {
      const ask = { method: 'DELETE', path: this.#pathOf(resource, name), body };
      await this.#ask(this.#call('delete', resource), ask);
    } catch (reason) {
      const isGone = reason instanceof KubeError && (reason.status === 404 || reason.status === 409);
      if (!isGone) throw reason;
    }
  }

  /** The last lines; of what a container says when it refuses too. */
  podLog(pod: string, container: string, tailLines: number): Promise<string> {
    const path = `${this.#pathOf('pods', pod)}/log`;
    const query = { container, tailLines: String(tailLines), limitBytes: '65536' };
    return this.#ask(this.#call('get', 'pods/log'), { method: 'GET', path, query });
  }

  /** Until the server ends it, or the signal does. Rejects for an error, one that comes as an event included. */
  async watch(
    resource: Resource,
    { labels, fields }: Selector,
    from: string,
    onEvent: (type: string, object: unknown) => void,
    { signal, silenceMs }: { signal: AbortSignal; silenceMs: number },
  ): Promise<void> {
    const call = this.#call('watch', resource);
    const seconds = String(Math.ceil(silenceMs / 1000));
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: from === '' ? undefined : from,
      timeoutSeconds: seconds,
      labelSelector: labels,
      fieldSelector: fields,
    };
    let rest = '';
    const take = (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LONGEST_LINE) throw new KubeError(call, { status: 0, message: 'a line without end' });
      for (const line of lines) {
        if (line === '') continue;
        const { type, object } = WatchLine.parse(JSON.parse(line));
        if (type === 'ERROR') throw KubeError.ofResponse(call, codeOf(object), JSON.stringify(object), undefined);
        onEvent(type, object);
      }
    };
    await this.#transport.send(call, { method: 'GET', path: this.#pathOf(resource), query, signal, silenceMs }, take);
  }

  #pathOf(resource: Resource, name?: string): string {
    const base = `${GROUP[resource] ?? '/api/v1'}/namespaces/${encodeURIComponent(this.namespace)}/${resource}`;
    return name === undefined ? base : `${base}/${encodeURIComponent(name)}`;
  }

  #call(verb: string, resource: string): KubeCall {
    return { verb, resource, namespace: this.namespace, server: this.#transport.server };
  }

  async #ask(call: KubeCall, ask: Ask): Promise<string> {
    const chunks: string[] = [];
    let length = 0;
    await this.#transport.send(call, ask, (chunk) => {
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) throw new KubeError(call, { status: 0, message: 'the answer is too long' });
      chunks.push(chunk);
    });
    return chunks.join('');
  }

  close(): void {
    this.#transport.close();
  }
}

function codeOf(object: unknown): number {
  const code = (object as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : 500;
}
