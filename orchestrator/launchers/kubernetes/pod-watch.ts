/**
 * Hears of pods as they change. A hint and no more: watches end, stay silent and miss things, so that whoever uses it
 * lists again now and then, and is told here when that is due at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from './backoff.js';
import type { KubeApi } from './kube-api.js';
import { KubeError } from './kube-error.js';
import { type Pod, parsePod } from './kube-objects.js';

export interface PodWatchParts {
  readonly api: KubeApi;
  readonly labels: string;
  readonly random: () => number;
  readonly onPod: (type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: Pod) => void;
  /** Something may have been missed. */
  readonly onGap: () => void;
}

/** The server ends a watch after so long, and one without a word for so long is ended here. */
const WATCH_MS = 120_000;
const GONE = 410;

export class PodWatch {
  readonly #parts: PodWatchParts;
  readonly #stop = new AbortController();
  #from: string;
  #running: Promise<void> | null = null;

  /** `from`: the resource version of a list. */
  constructor(parts: PodWatchParts, from: string) {
    this.#parts = parts;
    this.#from = from;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** After another list: a watch that has to begin anew begins there. */
  listed(from: string): void {
    if (this.#from === '') this.#from = from;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { api, labels, random, onGap } = this.#parts;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const heard = (type: string, object: unknown) => {
          failures = 0;
          this.#hear(type, object);
        };
        await api.watch('pods', { labels }, this.#from, heard, { signal, silenceMs: WATCH_MS });
        failures = 0;
      } catch (reason) {
        if (signal.aborted) return;
        // What was to come has been forgotten there: from wherever the next list ends.
        if (reason instanceof KubeError && (reason.status === GONE || reason.reason === 'Expired')) this.#from = '';
        failures += 1;
        onGap();
        const asked = reason instanceof KubeError ? (reason.retryAfterMs ?? 0) : 0;
        await sleep(Math.max(asked, backoffMs(failures, random())), undefined, { signal }).catch(() => {});
      }
    }
  }

  #hear(type: string, object: unknown): void {
    const version = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata?.resourceVersion;
    if (typeof version === 'string') this.#from = version;
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') this.#parts.onPod(type, parsePod(object));
  }
}
