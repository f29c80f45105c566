/**
 * What a pool, or a seat of one, is made of: one Indexed Job of workers, and a Secret with what they join by. Built from
 * settings alone, so that the same settings give the same objects.
 */
import type { V1EnvVar, V1Job, V1PodTemplateSpec, V1Secret, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { canonicalJson } from '../../core/canonical-json.js';
import { gpusOf, type PoolSettings } from '../../core/sweep/places/kubernetes-settings.js';
import { patchTemplate } from './patch-template.js';

export interface JobSurroundings {
  readonly namespace: string;
  /** Of the control plane whose pools these are: two in one namespace leave each other's alone. */
  readonly plane: string;
  /** HOST:PORT at which pods reach it. */
  readonly server: string;
  /** For pools that name none; `null`: there is none. */
  readonly image: string | null;
}

export interface PoolJob {
  /** `<pool>-<hash of its settings>`, and of a seat its number. */
  readonly key: string;
  readonly settings: PoolSettings;
  /** Of the Secret. Not of the Job's name alone: a Secret of a Job before this one may not be gone yet. */
  readonly secretName: string;
  readonly workers: number;
}

export const CONTAINER = 'worker';
export const LABEL = {
  name: 'app.kubernetes.io/name',
  component: 'app.kubernetes.io/component',
  managedBy: 'app.kubernetes.io/managed-by',
  plane: 'dss.internal/plane',
  pool: 'dss.internal/pool',
} as const;
export const ANNOTATION = {
  /** The Secret that its pods mount. */
  secret: 'dss.internal/secret',
  /** Set when that is there. */
  joined: 'dss.internal/joined',
  /** Hash of the template and of what the Secret says besides the token. */
  template: 'dss.internal/template',
} as const;
export const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';

/** Where a worker finds what it joins by, and where it may write. */
const JOIN_FOLDER = '/run/dss/join';
const CACHE_FOLDER = '/var/cache/dss';
const DEFAULT_COMMAND = ['python', '-P', '-m', 'dss_worker'];
/** Not root, and of no file in particular. */
const WORKER_USER = 10_001;
/** In a pod's name, behind the Job's: the index and five letters of chance. A worker's id has at most 63. */
const RENDEZVOUS_PORT = 29_500;
const TTL_SECONDS = 300;
/** Of an index in the whole life of a Job; Kubernetes waits longer after each, up to ten minutes. */
const FAILURES_PER_INDEX = 1_000;
/** That a seat waits for a trial: longer than a gang has to come together. */
const SEAT_IDLE_SECONDS = 1_200;
/** Exit status of a worker that a signal or the control plane has told to end. With 0 its index would be done for good. */
export const TOLD_TO_END = 143;

/** What ends is made again by its Job. A seat is made anew instead, Secret and all. */
const REPLACED = {
  backoffLimitPerIndex: FAILURES_PER_INDEX,
  podFailurePolicy: {
    rules: [
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      { action: 'Ignore', onExitCodes: { containerName: CONTAINER, operator: 'In', values: [TOLD_TO_END] } },
    ],
  },
};

export function jobName(key: string): string {
  return `dss-${key}`;
}

/** Of all that one control plane has in the namespace. */
export function selectorOf(plane: string): string {
  return `${LABEL.managedBy}=dss,${LABEL.component}=worker,${LABEL.plane}=${plane}`;
}

export function jobOf({ key, settings, secretName, workers }: PoolJob, around: JobSurroundings, hash: string): V1Job {
  const labels = labelsOf(key, around.plane);
  const { queue } = settings.shape;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(key),
      namespace: around.namespace,
      labels: queue === null ? labels : { ...labels, [QUEUE_LABEL]: queue },
      annotations: { [ANNOTATION.secret]: secretName, [ANNOTATION.template]: hash },
    },
    spec: {
      completionMode: 'Indexed',
      completions: workers,
      parallelism: workers,
      // Until its Secret is there, or for as long as its queue wants.
      suspend: true,
      // A pod that is told to end still holds its device: none takes its place before it is gone.
      podReplacementPolicy: 'Failed',
      ...(settings.shape.podPerTrial ? { backoffLimitPerIndex: 0 } : REPLACED),
      ttlSecondsAfterFinished: TTL_SECONDS,
      template: templateOf(key, settings, secretName, around),
    },
  };
}

/** Owned by the Job, so that it goes when that goes. */
export function secretOf(
  { key, secretName }: Pick<PoolJob, 'key' | 'secretName'>,
  { namespace, plane }: JobSurroundings,
  owner: { readonly uid: string },
  join: { readonly token: string; readonly ca: string },
): V1Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'dss.internal/join',
    immutable: true,
    metadata: {
      name: secretName,
      namespace,
      labels: labelsOf(key, plane),
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'Job', name: jobName(key), uid: owner.uid, blockOwnerDeletion: false },
      ],
    },
    stringData: { token: join.token, 'ca.pem': join.ca },
  };
}

/** What a Job must be made anew for when it changes. Neither its size nor the name of its Secret. */
export function templateText(key: string, settings: PoolSettings, around: JobSurroundings, ca: string): string {
  return canonicalJson({ template: JSON.parse(JSON.stringify(templateOf(key, settings, '', around))), ca });
}

function labelsOf(key: string, plane: string): Record<string, string> {
  return {
    [LABEL.name]: 'dss',
    [LABEL.component]: 'worker',
    [LABEL.managedBy]: 'dss',
    [LABEL.plane]: plane,
    [LABEL.pool]: key,
  };
}

function templateOf(
  key: string,
  { graceSeconds, shape }: PoolSettings,
  secretName: string,
  { plane, server, image }: JobSurroundings,
): V1PodTemplateSpec {
  const folders = shape.secrets.flatMap((use, index) =>
    use.kind === 'folder' ? [{ name: `secret-${index}`, secret: use.secret, mountPath: use.mountPath }] : [],
  );
  const volumes: V1Volume[] = [
    { name: 'join', secret: { secretName, defaultMode: 0o440 } },
    { name: 'tmp', emptyDir: {} },
    { name: 'cache', emptyDir: {} },
    // torch hands tensors between processes through it, and a container's own has 64 MiB.
    { name: 'shm', emptyDir: { medium: 'Memory' } },
    ...folders.map(({ name, secret }) => ({ name, secret: { secretName: secret, defaultMode: 0o440 } })),
    ...(shape.volumes as readonly V1Volume[]),
  ];
  const volumeMounts: V1VolumeMount[] = [
    { name: 'join', mountPath: JOIN_FOLDER, readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
    { name: 'cache', mountPath: CACHE_FOLDER },
    { name: 'shm', mountPath: '/dev/shm' },
    ...folders.map(({ name, mountPath }) => ({ name, mountPath, readOnly: true })),
    ...shape.volumeMounts.map(withoutAbsent),
  ];
  const template: V1PodTemplateSpec = {
    metadata: { labels: labelsOf(key, plane) },
    spec: {
      restartPolicy: 'Never',
      // What a worker runs is of the control plane's giving; it has nothing to say to the API server.
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: graceSeconds,
      ...(shape.serviceAccount === null ? {} : { serviceAccountName: shape.serviceAccount }),
      ...(shape.priorityClass === null ? {} : { priorityClassName: shape.priorityClass }),
      nodeSelector: { ...shape.nodeSelector },
      tolerations: shape.tolerations.map(withoutAbsent),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: WORKER_USER,
        runAsGroup: WORKER_USER,
        fsGroup: WORKER_USER,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: CONTAINER,
          ...(shape.image === null && image === null ? {} : { image: shape.image ?? image ?? '' }),
          command: [...(shape.command ?? DEFAULT_COMMAND)],
          args: argumentsOf(shape, server),
          env: variablesOf(shape),
          resources: { requests: { ...shape.resources }, limits: { ...shape.resources } },
          volumeMounts,
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
      volumes,
    },
  };
  return patchTemplate(template, shape.podTemplate);
}

function argumentsOf({ resources, podPerTrial }: PoolSettings['shape'], server: string): string[] {
  const gpus = gpusOf(resources);
  const device = gpus > 0 ? `cuda:${Array.from({ length: gpus }, (_, index) => index).join()}` : 'cpu';
  const args = ['agent', '--server', server, '--worker-id', '$(DSS_POD_NAME)', '--keep-trying', '--device', device];
  args.push('--threads', String(threadsOf(resources['cpu'])));
  args.push('--cache', CACHE_FOLDER, '--rendezvous-port', String(RENDEZVOUS_PORT));
  args.push('--drained-status', String(TOLD_TO_END));
  if (podPerTrial) args.push('--trials', '1', '--idle-exit', String(SEAT_IDLE_SECONDS));
  return args;
}

/** Whole cores of what it may use; `500m` makes one thread too. */
export function threadsOf(cpu: string | undefined): number {
  if (cpu === undefined) return 1;
  const cores = cpu.endsWith('m') ? Number(cpu.slice(0, -1)) / 1000 : Number(cpu);
  return Number.isFinite(cores) ? Math.max(1, Math.floor(cores)) : 1;
}

function variablesOf(shape: PoolSettings['shape']): V1EnvVar[] {
  return [
    { name: 'DSS_POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'DSS_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'DSS_JOIN_TOKEN_FILE', value: `${JOIN_FOLDER}/token` },
    { name: 'DSS_TLS_CA', value: `${JOIN_FOLDER}/ca.pem` },
    // The root is read-only: what libraries keep for themselves goes where it may be written.
    { name: 'HOME', value: '/tmp' },
    { name: 'XDG_CACHE_HOME', value: `${CACHE_FOLDER}/home` },
    { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
    ...Object.entries(shape.env).map(([name, value]) => ({ name, value })),
    ...shape.secrets.flatMap((use) =>
      use.kind === 'variable'
        ? [{ name: use.env, valueFrom: { secretKeyRef: { name: use.secret, key: use.key } } }]
        : [],
    ),
  ];
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** A key that is there and undefined is not the same as one that is not. */
function withoutAbsent<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Present<T>;
}
