/** Tells what a pod is, the newest alone, until it is heard: the API server may be away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type NodeApi } from './node-api.js';
import type { Metadata } from './objects.js';

const AGAIN_MS = 300;

export class StatusSender {
  readonly #api: NodeApi;
  readonly #pod: Metadata;
  readonly #status: () => object;
  #isStale = false;
  #sending: Promise<void> | null = null;

  constructor(api: NodeApi, pod: Metadata, status: () => object) {
    this.#api = api;
    this.#pod = pod;
    this.#status = status;
  }

  /** Resolves when what it is now has been heard, or there is nobody to tell it of. */
  send(): Promise<void> {
    this.#isStale = true;
    this.#sending ??= this.#sendAll();
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    const { namespace, name, uid } = this.#pod;
    while (this.#isStale) {
      this.#isStale = false;
      const outcome = await attempt(() =>
        this.#api.call('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/status`, {
          metadata: { uid },
          status: this.#status(),
        }),
      );
      if (outcome !== 'again') continue;
      this.#isStale = true;
      await sleep(AGAIN_MS);
    }
    this.#sending = null;
  }

  /** Lets the pod go: its containers have ended. */
  async remove(): Promise<void> {
    const { namespace, name, uid } = this.#pod;
    const body = { gracePeriodSeconds: 0, preconditions: { uid } };
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    while ((await attempt(() => this.#api.call('DELETE', path, body))) === 'again') await sleep(AGAIN_MS);
  }
}

async function attempt(call: () => Promise<unknown>): Promise<'done' | 'again'> {
  try {
    await call();
    return 'done';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const isUnheard = error.status === 0 || error.status === 429 || error.status >= 500;
    if (!isUnheard && error.status !== 404 && error.status !== 409) console.error(error.message);
    return isUnheard ? 'again' : 'done';
  }
}
