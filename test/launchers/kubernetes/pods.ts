/** Pods as the API server gives them, in the states that a real one was seen to give them. */
import { type Pod, parsePod } from '../../../orchestrator/launchers/kubernetes/kube-objects.js';

interface PodWish {
  readonly name?: string;
  readonly uid?: string;
  readonly pool?: string;
  readonly deleted?: boolean;
  readonly phase?: string;
  readonly reason?: string;
  readonly conditions?: readonly object[];
  /** Of the worker's container. */
  readonly state?: object;
}

export function podOf({ name = 'dss-a-00000000-0-abcde', uid = name, pool = 'a-00000000', ...wish }: PodWish): Pod {
  const { deleted = false, phase = 'Running', reason, conditions = [], state } = wish;
  return parsePod({
    metadata: {
      name,
      uid,
      labels: { 'dss.internal/pool': pool },
      creationTimestamp: '2026-11-26T00:00:00Z',
      ...(deleted ? { deletionTimestamp: '2026-11-26T00:01:00Z' } : {}),
    },
    spec: { nodeName: 'node1' },
    status: {
      phase,
      ...(reason === undefined ? {} : { reason }),
      conditions,
      containerStatuses: state === undefined ? [] : [{ name: 'worker', state }],
    },
  });
}

export const RUNNING = { running: { startedAt: '2026-11-26T00:00:01Z' } } as const;
export const ended = (exitCode: number, reason = 'Error') => ({ terminated: { exitCode, reason } });
export const disrupted = (reason: string) => ({ type: 'DisruptionTarget', status: 'True', reason, message: '' });
