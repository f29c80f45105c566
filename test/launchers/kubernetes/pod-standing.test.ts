import assert from 'node:assert/strict';
import { standingOf } from '../../../orchestrator/launchers/kubernetes/pod-standing.js';
import { disrupted, ended, podOf, RUNNING } from './pods.js';

const failureOf = (pod: Parameters<typeof podOf>[0]) => {
  const standing = standingOf(podOf(pod));
  return standing.state === 'ended' ? standing.failure : assert.fail(standing.state);
};

const ends: readonly (readonly [string, Parameters<typeof podOf>[0], string, string])[] = [
  [
    'that was evicted',
    { state: ended(143), conditions: [disrupted('EvictionByEvictionAPI')] },
    'WORKER_PREEMPTED',
    'preempted',
  ],
  [
    'that made room',
    { state: ended(143), conditions: [disrupted('PreemptionByScheduler')] },
    'WORKER_PREEMPTED',
    'preempted',
  ],
  ['whose node ran short', { phase: 'Failed', reason: 'Evicted' }, 'WORKER_PREEMPTED', 'preempted'],
  ['whose deadline was over', { phase: 'Failed', reason: 'DeadlineExceeded' }, 'WORKER_PREEMPTED', 'preempted'],
  ['that was deleted and ended', { deleted: true, state: ended(143) }, 'WORKER_STOPPED', 'preempted'],
  ['that was told to end', { state: ended(143) }, 'WORKER_STOPPED', 'preempted'],
  ['that used too much memory', { state: ended(137, 'OOMKilled') }, 'KILLED_OUT_OF_MEMORY', 'infrastructure'],
  ['that was killed', { state: ended(137) }, 'WORKER_EXITED', 'lost'],
  ['that failed', { state: ended(1) }, 'WORKER_EXITED', 'lost'],
];

describe('a pod', () => {
  for (const [what, pod, code, kind] of ends) {
    it(`${what} has ended as ${code}, which is ${kind}`, () => {
      const failure = failureOf(pod);
      assert.deepEqual([failure.code, failure.kind], [code, kind]);
      assert.match(failure.message, /dss-a-00000000-0-abcde on node node1/);
    });
  }

  it('that used too much memory while it was evicted is not excused', () => {
    const pod = { state: ended(137, 'OOMKilled'), conditions: [disrupted('EvictionByEvictionAPI')] };
    assert.equal(failureOf(pod).code, 'KILLED_OUT_OF_MEMORY');
  });

  it('that is told to end still runs', () => {
    const pod = podOf({ deleted: true, state: RUNNING, conditions: [disrupted('EvictionByEvictionAPI')] });
    assert.deepEqual(standingOf(pod), { state: 'stopping', why: 'it was evicted, as a node is drained' });
  });

  it('on a node that is lost has ended, though nobody says so', () => {
    const conditions = [disrupted('DeletionByTaintManager'), { type: 'Ready', status: 'False' }];
    assert.equal(failureOf({ deleted: true, state: RUNNING, conditions }).code, 'WORKER_PREEMPTED');
  });

  it('that a taint drives from a node that answers is given its time', () => {
    const conditions = [disrupted('DeletionByTaintManager'), { type: 'Ready', status: 'True' }];
    assert.equal(standingOf(podOf({ deleted: true, state: RUNNING, conditions })).state, 'stopping');
  });

  const waiting: readonly (readonly [string, Parameters<typeof podOf>[0], string | null])[] = [
    [
      'no node takes',
      {
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' },
        ],
      },
      'UNSCHEDULABLE',
    ],
    ['has no image', { state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off' } } }, 'IMAGE_UNAVAILABLE'],
    [
      'lacks a Secret',
      { state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' } } },
      'CONTAINER_REFUSED',
    ],
    ['is being made', { state: { waiting: { reason: 'ContainerCreating' } } }, null],
    ['a queue holds', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }, null],
  ];
  for (const [what, pod, code] of waiting) {
    it(`that ${what} starts, and ${code === null ? 'nothing is in its way' : `says ${code}`}`, () => {
      const standing = standingOf(podOf({ phase: 'Pending', ...pod }));
      assert.equal(standing.state, 'starting');
      assert.equal(standing.state === 'starting' ? (standing.notice?.code ?? null) : undefined, code);
    });
  }

  it("says the scheduler's own words", () => {
    const message = '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.';
    const standing = standingOf(
      podOf({
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      }),
    );
    assert.ok(standing.state === 'starting' && standing.notice?.message.endsWith(message));
  });
});
