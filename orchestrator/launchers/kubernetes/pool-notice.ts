/** What stands in the way of a pool's workers: the first thing that would explain why there are too few. */
import type { Failure } from '../../core/domain.js';
import type { Notice } from '../../core/notice.js';
import type { Job, KubeEvent } from './kube-objects.js';
import type { KnownPod } from './pod-roster.js';
import { isNodeLost } from './pod-standing.js';

export interface PoolFacts {
  readonly key: string;
  readonly wanted: number;
  readonly queue: string | null;
  readonly job: Job | undefined;
  readonly pods: readonly KnownPod[];
  /** Warnings about the Job and its pods, the newest last. */
  readonly events: readonly KubeEvent[];
  /** A worker that runs for long and does not speak to the control plane, if there is one. */
  readonly stranger: Stranger | null;
  /** How the last workers have ended by themselves, one after the other and soon after they began. */
  readonly deaths: readonly Failure[];
}

export interface Stranger {
  readonly workerId: string;
  /** HOST:PORT that it was told. */
  readonly server: string;
  /** The end of its log. */
  readonly said: string;
}

/** A worker may die of its trial; the second that dies at once has something else. */
const DEATHS_SHOWN = 2;

export function poolNotice({ key, wanted, queue, job, pods, events, stranger, deaths }: PoolFacts): Notice | null {
  const failure = deaths.at(-1);
  if (failure !== undefined && deaths.length >= DEATHS_SHOWN) {
    const said = failure.detail === '' ? '' : `; it said:\n${failure.detail}`;
    return {
      code: 'WORKERS_FAILED',
      message: `workers of pool ${key} end as soon as they begin, ${deaths.length} in a row: ${failure.message}${said}`,
      hint: 'is the image a worker of this version of dss, and do resources and podTemplate suit it?',
    };
  }
  if (wanted === 0 || job === undefined) return null;
  if (job.spec.suspend && queue !== null) {
    return {
      code: 'QUEUED',
      message: `pool ${key} waits for its turn in queue ${queue}`,
      hint: 'its Job is suspended until the queue admits it; `kubectl get workloads` says what it waits for',
    };
  }
  for (const { standing } of pods)
    if (standing.state === 'starting' && standing.notice !== null) return standing.notice;
  const lost = pods.find(({ pod }) => isNodeLost(pod));
  if (lost !== undefined) {
    const node = lost.pod.spec.nodeName ?? '';
    return {
      code: 'NODE_LOST',
      message: `node ${node} does not answer any more; its worker of pool ${key} is replaced when the node is known to be gone`,
      hint: `if the machine is off: kubectl delete node ${node}`,
    };
  }
  return refusal(key, events) ?? (stranger === null ? null : notJoined(key, stranger));
}

function notJoined(key: string, { workerId, server, said }: Stranger): Notice {
  return {
    code: 'NOT_JOINED',
    message: `worker ${workerId} of pool ${key} runs and does not speak to the control plane at ${server}${said === '' ? '' : `; it said:\n${said}`}`,
    hint: `can a pod of its namespace reach ${server}? --advertise of \`dss serve\` names another way; a NetworkPolicy may forbid it`,
  };
}

const REFUSED: Readonly<Record<string, string>> = {
  FailedCreate: 'mend what it names: a Pod Security standard, a quota, or a name in the sweep file that is not there',
  FailedMount: 'a volume, Secret or ConfigMap that the pool names is not there, or not as the pod asks for it',
  FailedAttachVolume: 'is the volume still in use on another node?',
  FailedCreatePodSandBox: 'the node cannot give pods a network; look at the node',
};

function refusal(key: string, events: readonly KubeEvent[]): Notice | null {
  const event = events.findLast(({ reason }) => Object.hasOwn(REFUSED, reason));
  if (event === undefined) return null;
  const what =
    event.reason === 'FailedCreate' ? `Kubernetes makes no pods of pool ${key}` : `a pod of pool ${key} waits`;
  return {
    code: 'POD_REFUSED',
    message: `${what}, ${event.reason}: ${event.message}`,
    hint: REFUSED[event.reason] ?? '',
  };
}
