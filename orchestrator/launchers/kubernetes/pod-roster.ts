/** The worker pods that are known, from lists and from hints; each end is told once. */
import type { Failure } from '../../core/domain.js';
import { tokenPoolOf } from '../../core/sweep/places/kubernetes-settings.js';
import type { LaunchedWorker } from '../launcher.js';
import type { Pod } from './kube-objects.js';
import { failureOf, type PodStanding, standingOf } from './pod-standing.js';
import { LABEL } from './worker-job.js';

export interface KnownPod {
  readonly pod: Pod;
  readonly standing: PodStanding;
  /** Of the pool. */
  readonly key: string;
  /** Since when its worker runs, or ran; `null`: it was not seen to. */
  readonly runningSinceMs: number | null;
}

export class PodRoster {
  readonly #pods = new Map<string, KnownPod>();
  /** By uid. Kept until the pod is out of the lists: it is listed for a while after its end. */
  readonly #told = new Set<string>();
  /** By uid, those that a watch has spoken of since a list was asked for: it knows better than that list. */
  readonly #heard = new Set<string>();
  readonly #onEnd: (known: KnownPod, failure: Failure) => void;
  readonly #nowMs: () => number;

  constructor(onEnd: (known: KnownPod, failure: Failure) => void, nowMs: () => number) {
    this.#onEnd = onEnd;
    this.#nowMs = nowMs;
  }

  /** Before a list is asked for. */
  asks(): void {
    this.#heard.clear();
  }

  /** From a watch. */
  hear(type: string, pod: Pod): void {
    const { uid } = pod.metadata;
    this.#heard.add(uid);
    if (type === 'DELETED') this.#gone(uid, pod);
    else this.#see(pod);
  }

  /** All that there were when they were asked for. */
  listed(pods: readonly Pod[]): void {
    const there = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const uid of [...this.#pods.keys()]) if (!there.has(uid) && !this.#heard.has(uid)) this.#gone(uid);
    for (const pod of pods) if (!this.#heard.has(pod.metadata.uid)) this.#see(pod);
  }

  #see(pod: Pod): void {
    const { uid, labels } = pod.metadata;
    const standing = standingOf(pod);
    const before = this.#pods.get(uid);
    const runningSinceMs = before?.runningSinceMs ?? (standing.state === 'running' ? this.#nowMs() : null);
    const known = { pod, standing, key: labels[LABEL.pool] ?? '', runningSinceMs };
    this.#pods.set(uid, known);
    if (standing.state === 'ended') this.#tell(known, standing.failure);
  }

  #gone(uid: string, last?: Pod): void {
    const known = this.#pods.get(uid);
    this.#pods.delete(uid);
    if (known !== undefined) {
      const pod = last ?? known.pod;
      const standing = standingOf(pod);
      this.#tell(known, standing.state === 'ended' ? standing.failure : failureOf(pod, null));
    }
    this.#told.delete(uid);
  }

  of(key: string): readonly KnownPod[] {
    return [...this.#pods.values()].filter((known) => known.key === key);
  }

  get keys(): ReadonlySet<string> {
    return new Set([...this.#pods.values()].map(({ key }) => key));
  }

  get workers(): readonly LaunchedWorker[] {
    return [...this.#pods.values()].flatMap(({ pod, standing, key }): readonly LaunchedWorker[] => {
      if (standing.state === 'ended') return [];
      const { name } = pod.metadata;
      const node = pod.spec.nodeName === undefined ? 'on no node yet' : `on node ${pod.spec.nodeName}`;
      const why = standing.state === 'stopping' ? `, ${standing.why}` : '';
      return [{ workerId: name, pool: tokenPoolOf(key), state: standing.state, detail: `pod ${name} ${node}${why}` }];
    });
  }

  #tell(known: KnownPod, failure: Failure): void {
    const { uid } = known.pod.metadata;
    if (this.#told.has(uid)) return;
    this.#told.add(uid);
    this.#onEnd(known, failure);
  }
}
