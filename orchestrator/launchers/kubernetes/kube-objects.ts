/** What we read of the API server's objects, and nothing else of them. */
import { z } from 'zod';

const Metadata = z.object({
  name: z.string(),
  uid: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  creationTimestamp: z.string().default(''),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.number().optional(),
});

const Condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(''),
  message: z.string().default(''),
});

const Terminated = z.object({
  exitCode: z.number(),
  reason: z.string().default(''),
  message: z.string().default(''),
});

const ContainerStatus = z.object({
  name: z.string(),
  state: z
    .object({
      waiting: z.object({ reason: z.string().default(''), message: z.string().default('') }).optional(),
      running: z.object({}).optional(),
      terminated: Terminated.optional(),
    })
    .default({}),
});

const Pod = z.object({
  metadata: Metadata,
  spec: z.object({ nodeName: z.string().optional() }).default({}),
  status: z
    .object({
      phase: z.string().default('Pending'),
      reason: z.string().default(''),
      message: z.string().default(''),
      conditions: z.array(Condition).default([]),
      containerStatuses: z.array(ContainerStatus).default([]),
      initContainerStatuses: z.array(ContainerStatus).default([]),
    })
    .prefault({}),
});

const Job = z.object({
  metadata: Metadata,
  spec: z.object({
    completions: z.number().default(0),
    parallelism: z.number().default(0),
    suspend: z.boolean().default(false),
  }),
  status: z
    .object({
      active: z.number().default(0),
      succeeded: z.number().default(0),
      failedIndexes: z.string().default(''),
      conditions: z.array(Condition).default([]),
    })
    .prefault({}),
});

const Event = z.object({
  type: z.string().default(''),
  reason: z.string().default(''),
  message: z.string().default(''),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  involvedObject: z.object({ kind: z.string().default(''), name: z.string().default(''), uid: z.string().default('') }),
});

export type Pod = z.infer<typeof Pod>;
export type Job = z.infer<typeof Job>;
export type KubeEvent = z.infer<typeof Event>;
export type Terminated = z.infer<typeof Terminated>;

export const parsePod = (value: unknown): Pod => Pod.parse(value);
export const parseJob = (value: unknown): Job => Job.parse(value);
export const parseEvent = (value: unknown): KubeEvent => Event.parse(value);

/** `0,3-5` as Kubernetes writes it: 4 of them. */
export function countIndexes(text: string): number {
  if (text === '') return 0;
  return text.split(',').reduce((sum, range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}

/** `Complete` or `Failed`: before that its pods may still run. */
export function endOf(job: Job): { readonly type: string; readonly reason: string; readonly message: string } | null {
  const isEnd = ({ type, status }: { type: string; status: string }) =>
    status === 'True' && (type === 'Complete' || type === 'Failed');
  return job.status.conditions.find(isEnd) ?? null;
}
