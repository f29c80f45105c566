/** What stands below `run` for `on: kubernetes` alone: pools of worker pods, in the words of Kubernetes. */
import { z } from 'zod';
import { canonicalJson } from '../../canonical-json.js';
import { mapping, orAbsent } from '../spec-schema.js';
import type { Sha256 } from '../trial-id.js';

const POOL_NAME = /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/;
const OBJECT_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_KEY = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const QUANTITY = /^\d+(?:\.\d+)?(?:[numkMGTPE]|[KMGTPE]i)?$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Ours, and what would have another program run in the worker's place. */
const RESERVED_VARIABLE = /^(?:DSS_|LD_)/;
const MAX_WORKERS = 1024;

function text(expected: string, accepts: (value: string) => boolean) {
  return z.custom<string>((value) => typeof value === 'string' && accepts(value), `expected ${expected}`);
}

function whole(least: number, most: number) {
  return z.custom<number>(
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    `expected a whole number from ${least} to ${most}`,
  );
}

/** Keys and values alike are checked, since a key is what people mistype. */
function record<T>(key: RegExp, value: z.ZodType<T>, expected: string) {
  return z.record(z.string().regex(key, { error: `expected ${expected}` }), value, { error: 'expected a mapping' });
}

function list<T>(item: z.ZodType<T>) {
  return z.array(item, { error: 'expected a list' });
}

const objectName = text('a name of small letters, digits, dots and dashes', (value) => OBJECT_NAME.test(value));
const path = text('an absolute path', (value) => /^\/[^:\0]*$/.test(value) && !value.split('/').includes('..'));
const quantity = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  text('an amount as Kubernetes writes it, such as 4, 500m or 16Gi', (value) => QUANTITY.test(value)),
);
const labelValue = z.preprocess(
  (value) => (typeof value === 'boolean' || typeof value === 'number' ? String(value) : value),
  text('the value of a label: at most 63 letters, digits, dots, dashes and underscores', (value) =>
    LABEL_VALUE.test(value),
  ),
);
const variableValue = z.preprocess(
  (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
  z.string({ error: 'expected a text' }),
);

const Toleration = mapping({
  key: text('the key of a taint', (value) => LABEL_KEY.test(value)).optional(),
  operator: z.enum(['Exists', 'Equal'], { error: 'expected Exists or Equal' }).optional(),
  value: labelValue.optional(),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], {
      error: 'expected NoSchedule, PreferNoSchedule or NoExecute',
    })
    .optional(),
  tolerationSeconds: whole(0, 86_400).optional(),
});

/** What a volume is made of goes on to the API server as it is: it knows its kinds, and what this cluster allows. */
const Volume = z.looseObject({ name: objectName }, { error: 'expected a mapping with a name' });

const VolumeMount = mapping({
  name: objectName,
  mountPath: path,
  subPath: text('a relative path', (value) => value !== '' && !value.startsWith('/')).optional(),
  readOnly: z.boolean({ error: 'expected true or false' }).optional(),
});

/** One key as a variable, or all of them as files. */
const SecretReference = mapping({
  secret: objectName,
  key: text('a key of the Secret', (value) => /^[A-Za-z0-9._-]{1,253}$/.test(value)).optional(),
  env: text('the name of a variable', (value) => VARIABLE.test(value) && !RESERVED_VARIABLE.test(value)).optional(),
  mountPath: path.optional(),
}).superRefine((asked, context) => {
  const isVariable = asked.env !== undefined && asked.key !== undefined && asked.mountPath === undefined;
  const isFolder = asked.mountPath !== undefined && asked.env === undefined && asked.key === undefined;
  if (isVariable || isFolder) return;
  context.addIssue({ code: 'custom', message: 'expected env and key, or mountPath: how the worker is to see it' });
});

const Pool = mapping({
  name: text('a name of at most 20 small letters, digits and dashes, a letter first', (value) => POOL_NAME.test(value)),
  replicas: orAbsent(whole(1, MAX_WORKERS)),
  min: orAbsent(whole(0, MAX_WORKERS)),
  max: orAbsent(whole(1, MAX_WORKERS)),
  idleMinutes: orAbsent(
    z.custom<number>((value) => typeof value === 'number' && value >= 0 && value <= 1440, {
      error: 'expected minutes from 0 to 1440',
    }),
  ),
  graceSeconds: orAbsent(whole(30, 3_600)),
  image: orAbsent(text('an image', (value) => /^[^\s@][^\s]*$/.test(value))),
  command: orAbsent(list(z.string({ error: 'expected a word' })).min(1, { error: 'expected at least one word' })),
  resources: orAbsent(record(LABEL_KEY, quantity, 'the name of a resource, such as cpu, memory or nvidia.com/gpu')),
  nodeSelector: orAbsent(record(LABEL_KEY, labelValue, 'the name of a label')),
  tolerations: orAbsent(list(Toleration)),
  volumes: orAbsent(list(Volume)),
  volumeMounts: orAbsent(list(VolumeMount)),
  serviceAccount: orAbsent(objectName),
  priorityClass: orAbsent(objectName),
  queue: orAbsent(text('the name of a queue', (value) => value !== '' && LABEL_VALUE.test(value))),
  env: orAbsent(record(VARIABLE, variableValue, 'the name of a variable')),
  secrets: orAbsent(list(SecretReference)),
  podTemplate: orAbsent(z.record(z.string(), z.unknown(), { error: 'expected a mapping with metadata or spec' })),
}).superRefine((pool, context) => {
  const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  const { replicas, min, max } = pool;
  if (replicas !== undefined && (min !== undefined || max !== undefined)) {
    complain('replicas', 'expected either replicas, or min and max');
  }
  if (min !== undefined && max === undefined && replicas === undefined) complain('min', 'expected a max beside it');
  if (min !== undefined && max !== undefined && min > max) complain('max', `expected at least min, ${min}`);
  for (const name of Object.keys(pool.env ?? {})) {
    if (!RESERVED_VARIABLE.test(name)) continue;
    context.addIssue({ code: 'custom', path: ['env', name], message: 'expected none of DSS_… and LD_…' });
  }
  const volumes = new Set((pool.volumes ?? []).map(({ name }) => name));
  for (const [index, { name }] of (pool.volumeMounts ?? []).entries()) {
    if (volumes.has(name) || pool.podTemplate !== undefined) continue;
    const known = volumes.size === 0 ? 'and there are none' : [...volumes].join(', ');
    const message = `expected the name of one of volumes: ${known}`;
    context.addIssue({ code: 'custom', path: ['volumeMounts', index, 'name'], message });
  }
  for (const key of Object.keys(pool.podTemplate ?? {})) {
    if (key !== 'metadata' && key !== 'spec') complain('podTemplate', `expected metadata or spec, got ${key}`);
  }
});

const Pools = z
  .array(Pool, { error: 'expected a list of pools' })
  .min(1, { error: 'expected at least one pool' })
  .superRefine((pools, context) => {
    for (const [index, { name }] of pools.entries()) {
      if (pools.findIndex((each) => each.name === name) === index) continue;
      context.addIssue({ code: 'custom', path: [index, 'name'], message: 'expected each name once' });
    }
  });

export const KUBERNETES_SHAPE = {
  pools: Pools.optional(),
  podPerTrial: z.boolean({ error: 'expected true or false' }).optional(),
};

/** What may stand below `run.pools[…]`, and below its parts. */
export const KUBERNETES_KEYS: Readonly<Record<string, readonly string[]>> = {
  pools: Object.keys(Pool.shape),
  tolerations: Object.keys(Toleration.shape),
  volumeMounts: Object.keys(VolumeMount.shape),
  secrets: Object.keys(SecretReference.shape),
};

export type SecretUse =
  | { readonly kind: 'variable'; readonly secret: string; readonly key: string; readonly env: string }
  | { readonly kind: 'folder'; readonly secret: string; readonly mountPath: string };

/** A pool as it was asked for, defaults applied. */
export interface PoolSettings {
  readonly name: string;
  /** While any trial waits or runs. */
  readonly min: number;
  readonly max: number;
  /** That a pool has more workers than trials before it is made smaller, or goes. */
  readonly idleMs: number;
  /** For a worker that is told to end to write a checkpoint and to give its trial back. */
  readonly graceSeconds: number;
  readonly shape: PodShape;
}

/** All that tells one kind of worker pod from another; its hash is part of the pool's name. */
export interface PodShape {
  /** `null`: the control plane's default. */
  readonly image: string | null;
  /** What runs the worker's module in the image; `null`: the image's own entry point. */
  readonly command: readonly string[] | null;
  /** Asked for and not to be exceeded. */
  readonly resources: Readonly<Record<string, string>>;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly z.infer<typeof Toleration>[];
  readonly volumes: readonly z.infer<typeof Volume>[];
  readonly volumeMounts: readonly z.infer<typeof VolumeMount>[];
  readonly serviceAccount: string | null;
  readonly priorityClass: string | null;
  /** Kueue's, in the namespace of the control plane. */
  readonly queue: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretUse[];
  /** Laid over the pod template that follows from the rest. */
  readonly podTemplate: Readonly<Record<string, unknown>>;
  /** Each takes one trial and ends, in place of one after the other. */
  readonly podPerTrial: boolean;
}

const DEFAULT_POOL = { name: 'workers' } as const;
const DEFAULT_IDLE_MINUTES = 5;
/** An agent gives what runs 20 s to write a checkpoint; the rest is for sending it away. */
const DEFAULT_GRACE_SECONDS = 60;
const HASH_LENGTH = 8;

const Section = mapping(KUBERNETES_SHAPE);

/** Of a place's settings, which the schema has accepted before. Without pools: one worker of the default image. */
export function kubernetesSettingsOf(settings: unknown): readonly PoolSettings[] {
  const { pools = [DEFAULT_POOL], podPerTrial = false } = Section.parse(settings);
  return pools.map((pool) => poolSettingsOf(pool, podPerTrial));
}

function poolSettingsOf(asked: z.infer<typeof Pool>, podPerTrial: boolean): PoolSettings {
  return {
    name: asked.name,
    min: asked.replicas ?? asked.min ?? 0,
    max: asked.replicas ?? asked.max ?? 1,
    idleMs: (asked.idleMinutes ?? DEFAULT_IDLE_MINUTES) * 60_000,
    graceSeconds: asked.graceSeconds ?? DEFAULT_GRACE_SECONDS,
    shape: {
      image: asked.image ?? null,
      command: asked.command ?? null,
      resources: asked.resources ?? {},
      nodeSelector: asked.nodeSelector ?? {},
      tolerations: asked.tolerations ?? [],
      volumes: asked.volumes ?? [],
      volumeMounts: asked.volumeMounts ?? [],
      serviceAccount: asked.serviceAccount ?? null,
      priorityClass: asked.priorityClass ?? null,
      queue: asked.queue ?? null,
      env: asked.env ?? {},
      secrets: (asked.secrets ?? []).map(secretUseOf),
      podTemplate: asked.podTemplate ?? {},
      podPerTrial,
    },
  };
}

function secretUseOf({ secret, key, env, mountPath }: z.infer<typeof SecretReference>): SecretUse {
  if (env !== undefined && key !== undefined) return { kind: 'variable', secret, key, env };
  return { kind: 'folder', secret, mountPath: mountPath ?? '' };
}

/** How many there are may change without another kind of worker coming of it. */
export function poolKeyOf({ name, graceSeconds, shape }: PoolSettings, sha256: Sha256): string {
  return `${name}-${sha256(canonicalJson({ graceSeconds, shape })).slice(0, HASH_LENGTH)}`;
}

/** Of one worker of a pool with `podPerTrial`, from 0. */
export function seatKeyOf(poolKey: string, seat: number): string {
  return `${poolKey}-${seat}`;
}

/** The pools whose workers take the trials of a sweep with these settings: what their join tokens are for. */
export function kubernetesPoolsOf(settings: unknown, sha256: Sha256): readonly string[] {
  return kubernetesSettingsOf(settings).map((pool) => tokenPoolOf(poolKeyOf(pool, sha256)));
}

/** Of each worker. */
export function gpusOf(resources: PodShape['resources']): number {
  return Number(resources['nvidia.com/gpu'] ?? 0);
}

const SUFFIXES = 'kMGTPE';

/** Whole bytes of an amount of memory as Kubernetes writes it, which the schema has accepted before. */
export function quantityBytes(quantity: string): number {
  const [, number = '0', suffix = ''] = /^([\d.]+)(.*)$/.exec(quantity) ?? [];
  const power = SUFFIXES.indexOf(suffix.replace('K', 'k').charAt(0) || ' ') + 1;
  const base = suffix.endsWith('i') ? 1024 : 1000;
  const least = { m: 1e-3, u: 1e-6, n: 1e-9 }[suffix] ?? 1;
  return Math.floor(Number(number) * base ** power * least);
}

export function tokenPoolOf(poolKey: string): string {
  return `kubernetes.${poolKey}`;
}
