/** What a pod's state means for its worker. */
import type { Failure } from '../../core/domain.js';
import type { Notice } from '../../core/notice.js';
import type { Pod, Terminated } from './kube-objects.js';
import { CONTAINER, TOLD_TO_END } from './worker-job.js';

export type PodStanding =
  /** `notice`: why it does not get on; `null`: nothing is known to be in its way. */
  | { readonly state: 'starting'; readonly notice: Notice | null }
  | { readonly state: 'running' }
  /** Told to end: it writes a checkpoint and gives its trial back. */
  | { readonly state: 'stopping'; readonly why: string }
  | { readonly state: 'ended'; readonly failure: Failure };

/** Containers that do not start, and what to do about it. */
const WAITING: Readonly<Record<string, string>> = {
  ErrImagePull: 'is the image there, by that name, and may the nodes pull it? imagePullSecrets go into podTemplate',
  ImagePullBackOff: 'is the image there, by that name, and may the nodes pull it? imagePullSecrets go into podTemplate',
  InvalidImageName: 'mend image in the sweep file: NAME@sha256:DIGEST',
  ErrImageNeverPull: 'the image is not on the node, and its policy forbids to pull it',
  CreateContainerConfigError: 'a Secret or ConfigMap that the pool refers to, or a key of it, is not there',
  CreateContainerError: 'the node could not make the container; `kubectl describe pod` says more',
  RunContainerError: 'the node could not start the container; is command right for this image?',
  CrashLoopBackOff: 'it ends again and again; `kubectl logs` has its last words',
};

/** By what a node or the control plane of Kubernetes does to pods that did nothing wrong. */
const DISRUPTIONS: Readonly<Record<string, string>> = {
  PreemptionByScheduler: 'it made room for a pod of a higher priority',
  DeletionByTaintManager: 'its node was lost, or must not be used any more',
  EvictionByEvictionAPI: 'it was evicted, as a node is drained',
  DeletionByPodGC: 'its node is gone',
  TerminationByKubelet: 'its node ran short of something, or went down',
};

const OOM = 'OOMKilled';

export function standingOf(pod: Pod): PodStanding {
  const { metadata, status } = pod;
  const worker = status.containerStatuses.find(({ name }) => name === CONTAINER);
  const disruption = status.conditions.find(({ type, status: is }) => type === 'DisruptionTarget' && is === 'True');
  const ended = worker?.state.terminated;
  if (ended !== undefined || status.phase === 'Failed' || status.phase === 'Succeeded') {
    return { state: 'ended', failure: failureOf(pod, ended ?? null) };
  }
  if (isNodeLost(pod)) return { state: 'ended', failure: failureOf(pod, null) };
  if (metadata.deletionTimestamp !== undefined) {
    return { state: 'stopping', why: disruption === undefined ? 'it was deleted' : disruptedBy(disruption.reason) };
  }
  if (worker?.state.running !== undefined) return { state: 'running' };
  return { state: 'starting', notice: startNotice(pod) };
}

/** Its worker has ended with status 0. */
export function isDone({ status }: Pod): boolean {
  return status.containerStatuses.some(({ name, state }) => name === CONTAINER && state.terminated?.exitCode === 0);
}

/** Its node has stopped to speak, and will not say when the pod has ended. */
export function isNodeLost({ metadata, status }: Pod): boolean {
  const has = (type: string, is: string, reason?: string) =>
    status.conditions.some(
      (each) => each.type === type && each.status === is && (reason ?? each.reason) === each.reason,
    );
  const isTaken = has('DisruptionTarget', 'True', 'DeletionByTaintManager') && metadata.deletionTimestamp !== undefined;
  return isTaken && has('Ready', 'False');
}

export function failureOf({ metadata, status, spec }: Pod, ended: Terminated | null): Failure {
  const { name } = metadata;
  const disruption = status.conditions.find(({ type, status: is }) => type === 'DisruptionTarget' && is === 'True');
  const node = spec.nodeName === undefined ? '' : ` on node ${spec.nodeName}`;
  const detail = [disruption?.message, status.message, ended?.message].filter((text) => text).join('\n');
  const taken = (code: string, why: string): Failure => ({
    code,
    message: `worker ${name}${node} was taken away: ${why}`,
    hint: 'nothing is to be done: its trial goes on from its last checkpoint elsewhere',
    detail,
    kind: 'preempted',
  });
  if (ended?.reason === OOM) {
    return {
      code: 'KILLED_OUT_OF_MEMORY',
      message: `worker ${name}${node} was killed: its container used more memory than its limit`,
      hint: 'give the pool more memory in resources, or the trial fewer rows at a time: train.batch_size',
      detail,
      kind: 'infrastructure',
    };
  }
  if (disruption !== undefined) return taken('WORKER_PREEMPTED', disruptedBy(disruption.reason));
  if (status.reason === 'Evicted') return taken('WORKER_PREEMPTED', 'its node was short of something and evicted it');
  if (status.reason === 'DeadlineExceeded') return taken('WORKER_PREEMPTED', 'its deadline was over');
  if (metadata.deletionTimestamp !== undefined || ended?.exitCode === TOLD_TO_END) {
    return taken('WORKER_STOPPED', 'it was told to end');
  }
  const how = ended === null ? 'ended, and nothing says how' : `ended with exit code ${ended.exitCode}`;
  return {
    code: 'WORKER_EXITED',
    message: `worker ${name}${node} ${how}`,
    hint: 'its last words are in detail; `dss logs` has those of its trial',
    detail,
    kind: 'lost',
  };
}

function disruptedBy(reason: string): string {
  return DISRUPTIONS[reason] ?? reason;
}

function startNotice(pod: Pod): Notice | null {
  const { name } = pod.metadata;
  const unscheduled = pod.status.conditions.find(
    ({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason !== 'SchedulingGated',
  );
  if (unscheduled !== undefined) {
    return {
      code: 'UNSCHEDULABLE',
      message: `no node takes ${name}: ${unscheduled.message}`,
      hint: 'resources, nodeSelector and tolerations of the pool say what it asks for; max says how many there are',
    };
  }
  for (const { name: container, state } of [...pod.status.initContainerStatuses, ...pod.status.containerStatuses]) {
    const hint = WAITING[state.waiting?.reason ?? ''];
    if (state.waiting === undefined || hint === undefined) continue;
    const said = state.waiting.message === '' ? '' : `: ${state.waiting.message}`;
    const code = state.waiting.reason.includes('Image') ? 'IMAGE_UNAVAILABLE' : 'CONTAINER_REFUSED';
    const message = `container ${container} of ${name} does not start, ${state.waiting.reason}${said}`;
    return { code, message, hint };
  }
  return null;
}
