/** What stands below `run` for `on: ray` alone: which cluster, and what each worker asks of it. */
import { z } from 'zod';
import { canonicalJson } from '../../canonical-json.js';
import { mapping, orAbsent } from '../spec-schema.js';
import type { Sha256 } from '../trial-id.js';

const ADDRESS = /^(?:ray|https?):\/\/(?:\[[0-9a-fA-F:]+\]|[^\s/:[\]@?#]+)(?::\d{1,5})?\/?$/;
const HOST = /^(?:\[[0-9a-fA-F:]+\]|[^\s/:[\]@?#]+)$/;
const HOST_PORT = /^(?:\[[0-9a-fA-F:]+\]|[^\s/:[\]]+):[1-9]\d{0,4}$/;
const MEMORY = /^(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB|TiB)$/;
const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };
const MAX_WORKERS = 1024;

function text(expected: string, accepts: (value: string) => boolean) {
  return z.custom<string>((value) => typeof value === 'string' && accepts(value), `expected ${expected}`);
}

function number(expected: string, accepts: (value: number) => boolean) {
  return z.custom<number>(
    (value) => typeof value === 'number' && Number.isFinite(value) && accepts(value),
    `expected ${expected}`,
  );
}

/** Ray counts in ten thousandths. */
const isShare = (value: number) =>
  Number.isInteger(Math.round(value * 1e4)) && Math.abs(value * 1e4 - Math.round(value * 1e4)) < 1e-6;
const isWorkers = (value: number) => Number.isInteger(value) && value >= 0 && value <= MAX_WORKERS;

const path = orAbsent(text('the path of a file', (value) => value.trim() !== ''));

const Ray = mapping({
  adapter: z.enum(['auto', 'jobs', 'client'], { error: 'expected auto, jobs or client' }).default('auto'),
  dashboard: orAbsent(
    text('http://HOST:PORT or https://HOST:PORT', (value) => /^http/.test(value) && ADDRESS.test(value)),
  ),
  namespace: text('a name of up to 63 small letters, digits and dashes', (value) =>
    /^[a-z0-9][a-z0-9-]{0,62}$/.test(value),
  ).default('dss'),
  min_workers: number(`a whole number from 0 to ${MAX_WORKERS}`, isWorkers).default(0),
  max_workers: orAbsent(number(`a whole number from 1 to ${MAX_WORKERS}`, (value) => isWorkers(value) && value >= 1)),
  cpus: number('a number of CPUs from 0.0001 to 1024', (value) => value > 0 && value <= 1024 && isShare(value)).default(
    1,
  ),
  gpus: orAbsent(
    number(
      'a whole number of GPUs from 0 to 64, or a share of one',
      (value) => value >= 0 && value <= 64 && isShare(value) && (value < 1 || Number.isInteger(value)),
    ),
  ),
  memory: orAbsent(text('a number with KiB, MiB, GiB or TiB, such as 8GiB', (value) => bytesOf(value) > 0)),
  resources: z
    .record(
      z.string().regex(/^[^\s]{1,128}$/),
      number('a number above 0', (value) => value > 0 && isShare(value)),
      { error: 'expected a mapping from names of resources to numbers' },
    )
    .default({}),
  threads: orAbsent(
    number('a whole number from 1 to 1024', (value) => Number.isInteger(value) && value >= 1 && value <= 1024),
  ),
  python: orAbsent(text('the path of a Python on the cluster that has torch', (value) => /^[^\s\0]+$/.test(value))),
  code: z.enum(['upload', 'installed'], { error: 'expected upload or installed' }).default('upload'),
  advertise: orAbsent(text('HOST:PORT', (value) => HOST_PORT.test(value))),
  idle_minutes: number('a number of minutes above 0', (value) => value > 0).default(5),
  token_file: path,
  ca: path,
  certificate: path,
  key: path,
  allow_untested_ray: z.boolean({ error: 'expected true or false' }).default(false),
});

export const RAY_SHAPE = {
  address: text(
    "ray://HOST:PORT, http://HOST:PORT, https://HOST:PORT, or HOST for Ray's own ports",
    (value) => ADDRESS.test(value) || HOST.test(value),
  ).optional(),
  ray: orAbsent(Ray),
};

/** What may stand below `run.ray`. */
export const RAY_KEYS: Readonly<Record<string, readonly string[]>> = { ray: Object.keys(Ray.shape) };

/** `run` for `on: ray`, as it was checked. */
export interface RaySettings {
  readonly address: string;
  readonly adapter: 'auto' | 'jobs' | 'client';
  /** Of the dashboard, where it is not on the head's port 8265. */
  readonly dashboard: string | null;
  /** Of the actors, and of nothing that a job has. */
  readonly namespace: string;
  readonly minWorkers: number;
  /** `null`: as many as the cluster has room for. */
  readonly maxWorkers: number | null;
  readonly worker: WorkerResources;
  /** CPU threads of training; `null`: as many as it has CPUs. */
  readonly threads: number | null;
  /** Runs the training; `null`: Ray's own Python does. */
  readonly python: string | null;
  readonly code: 'upload' | 'installed';
  /** HOST:PORT at which the cluster reaches the control plane; `null`: the one that it listens on. */
  readonly advertise: string | null;
  /** After so long without a trial a worker ends itself. */
  readonly idleMinutes: number;
  readonly tokenFile: string | null;
  /** PEM files. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly allowUntestedRay: boolean;
}

export interface WorkerResources {
  readonly cpus: number;
  /** `null`: as many as the widest trial trains on, where the cluster has any. */
  readonly gpus: number | null;
  /** 0: none is asked for. */
  readonly memoryBytes: number;
  readonly custom: Readonly<Record<string, number>>;
}

const Section = mapping(RAY_SHAPE);

/** Of a place's settings, which the schema has accepted before. Without an address: Ray's own ports on this machine. */
export function raySettingsOf(settings: unknown): RaySettings {
  const { address = '127.0.0.1', ray } = Section.parse(settings);
  const asked = ray ?? Ray.parse({});
  return {
    address: address.replace(/\/$/, ''),
    adapter: asked.adapter,
    dashboard: asked.dashboard?.replace(/\/$/, '') ?? null,
    namespace: asked.namespace,
    minWorkers: asked.min_workers,
    maxWorkers: asked.max_workers ?? null,
    worker: {
      cpus: asked.cpus,
      gpus: asked.gpus ?? null,
      memoryBytes: asked.memory === undefined ? 0 : bytesOf(asked.memory),
      custom: asked.resources,
    },
    threads: asked.threads ?? null,
    python: asked.python ?? null,
    code: asked.code,
    advertise: asked.advertise ?? null,
    idleMinutes: asked.idle_minutes,
    tokenFile: asked.token_file ?? null,
    ca: asked.ca ?? null,
    certificate: asked.certificate ?? null,
    key: asked.key ?? null,
    allowUntestedRay: asked.allow_untested_ray,
  };
}

const HASH_LENGTH = 8;

/** How many there are may change without another kind of worker coming of it. */
export function rayKeyOf(settings: RaySettings, sha256: Sha256): string {
  const { address, dashboard, namespace, worker, threads, python, code, advertise } = settings;
  const kind = { address, dashboard, namespace, worker, threads, python, code, advertise };
  return sha256(canonicalJson(kind)).slice(0, HASH_LENGTH);
}

/** The pools whose workers take the trials of a sweep with these settings: what their join tokens are for. */
export function rayPoolsOf(settings: unknown, sha256: Sha256): readonly string[] {
  return [tokenPoolOf(rayKeyOf(raySettingsOf(settings), sha256))];
}

export function tokenPoolOf(key: string): string {
  return `ray.${key}`;
}

/** 0: it is none. */
function bytesOf(memory: string): number {
  const match = MEMORY.exec(memory.trim());
  return match === null ? 0 : Math.floor(Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0));
}
