/** Which pod stands behind a Service, and on which of its ports. */
import { z } from 'zod';
import { SweepError } from '../../core/errors.js';
import type { KubeApi } from '../../launchers/kubernetes/kube-api.js';
import type { ForwardTarget } from './kubernetes-forward.js';

/** A number, or the name of a container's port. */
export type EndPort = string | number;

export interface ServiceFacts {
  readonly name: string;
  /** Of its pods. */
  readonly selector: string;
  /** `null`: it has none of that name. */
  find(port: string): EndPort | null;
  /** @throws SweepError UNAVAILABLE */
  portOf(port: string): EndPort;
}

const Service = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    selector: z.record(z.string(), z.string()).default({}),
    ports: z
      .array(
        z.object({
          name: z.string().default(''),
          port: z.number(),
          targetPort: z.union([z.string(), z.number()]).optional(),
        }),
      )
      .default([]),
  }),
});

const Pod = z.object({
  metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
  spec: z.object({
    containers: z.array(
      z.object({ ports: z.array(z.object({ name: z.string().default(''), containerPort: z.number() })).default([]) }),
    ),
  }),
  status: z
    .object({
      phase: z.string().default('Pending'),
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().default('') }))
        .default([]),
    })
    .prefault({}),
});

export function serviceFacts(object: unknown): ServiceFacts {
  const { metadata, spec } = Service.parse(object);
  const find = (name: string) => {
    const found = spec.ports.find((each) => each.name === name);
    return found === undefined ? null : (found.targetPort ?? found.port);
  };
  return {
    name: metadata.name,
    selector: Object.entries(spec.selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    find,
    portOf: (name) => {
      const port = find(name);
      if (port !== null) return port;
      throw new SweepError('UNAVAILABLE', `Service ${metadata.name} has no port named ${name}`, {
        hint: 'is it the Service of a control plane? k8s/base/service.yaml is one',
      });
    },
  };
}

/** @throws SweepError UNAVAILABLE when none is ready; KubeError */
export async function readyPodOf(api: KubeApi, service: ServiceFacts, port: EndPort): Promise<ForwardTarget> {
  const { items } = await api.list('pods', { labels: service.selector });
  const pods = items.map((item) => Pod.parse(item));
  const ready = pods.find(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  );
  if (ready !== undefined) return { pod: ready.metadata.name, port: numberOf(ready, port) };
  const [first] = pods;
  const why = first?.status.conditions.find(({ message, status }) => status === 'False' && message !== '')?.message;
  const state = first === undefined ? 'it has no pod' : `${first.metadata.name} is ${first.status.phase}`;
  throw new SweepError(
    'UNAVAILABLE',
    `no pod of Service ${service.name} in namespace ${api.namespace} is ready: ${state}${why === undefined ? '' : `, ${why}`}`,
    { hint: `kubectl describe pods -n ${api.namespace} -l ${service.selector}` },
  );
}

function numberOf({ metadata, spec }: z.infer<typeof Pod>, port: EndPort): number {
  if (typeof port === 'number') return port;
  const found = spec.containers.flatMap(({ ports }) => ports).find(({ name }) => name === port);
  if (found !== undefined) return found.containerPort;
  throw new SweepError('UNAVAILABLE', `pod ${metadata.name} has no port named ${port}`);
}
