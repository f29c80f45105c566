/**
 * A cluster by its Jobs REST interface: a worker is a job, whose submission id is the worker's. Jobs that have ended
 * stay listed, so that an id is never used twice and what became of a worker can be read later.
 */
import { z } from 'zod';
import type {
  ClusterFacts,
  ClusterRoom,
  ProbeOrder,
  RayCluster,
  RayWorker,
  WorkerCode,
  WorkerOrder,
} from './cluster.js';
import { RayError } from './ray-error.js';
import { Rest, type RestOptions } from './rest.js';
import type { Pause } from './retries.js';
import { namesOf } from './wanted-workers.js';
import { sizeOf } from './worker-ids.js';

const Version = z.object({ ray_version: z.string(), session_name: z.string() });
const Job = z.object({
  submission_id: z.string().nullable(),
  status: z.string(),
  message: z.string().nullish(),
  error_type: z.string().nullish(),
  driver_exit_code: z.number().nullish(),
});
const Nodes = z.object({
  data: z.object({
    result: z.object({
      result: z.array(z.object({ state: z.string(), resources_total: z.record(z.string(), z.number()).nullish() })),
    }),
  }),
});
const Groups = z.object({
  data: z.object({
    result: z.object({ result: z.array(z.object({ name: z.string().nullish(), state: z.string() })) }),
  }),
});
const Status = z.object({
  data: z.object({
    // Ray's autoscaler tells it a moment after the head has started: nothing at first, then no use of anything.
    clusterStatus: z
      .object({ loadMetricsReport: z.object({ usage: z.record(z.string(), z.tuple([z.number(), z.number()])) }) })
      .nullish(),
  }),
});
const Logs = z.object({ logs: z.string().nullable() });

type Job = z.infer<typeof Job>;

const ENDED = new Set(['SUCCEEDED', 'FAILED', 'STOPPED']);
/** An agent gives what runs 20 s to write a checkpoint; Ray by itself would kill it after 3 s. */
const STOP_WITHIN_S = 28;
/** At one a second: it starts several Pythons, on a machine that may be busy. */
const PROBE_POLLS = 300;

const NEXT_TO_NOTHING = 0.001;

export interface JobsOptions extends RestOptions {
  /** Between two looks at a job that is on its way. */
  readonly poll: Pause;
}

export class JobsCluster implements RayCluster {
  readonly adapter = 'jobs';
  readonly address: string;
  readonly #rest: Rest;
  readonly #poll: Pause;

  constructor(options: JobsOptions) {
    this.address = options.base.origin;
    this.#rest = new Rest(options);
    this.#poll = options.poll;
  }

  async facts(): Promise<ClusterFacts> {
    const { ray_version, session_name } = await this.#read(Version, '/api/version');
    return { rayVersion: ray_version, session: session_name };
  }

  async room(): Promise<ClusterRoom> {
    const nodes = await this.#read(Nodes, '/api/v0/nodes?detail=1');
    const total: Record<string, number> = {};
    for (const { state, resources_total } of nodes.data.result.result) {
      if (state !== 'ALIVE') continue;
      for (const [name, amount] of Object.entries(resources_total ?? {})) total[name] = (total[name] ?? 0) + amount;
    }
    // Names are mangled there, so that only those are found that Ray itself gives.
    const { clusterStatus } = (await this.#read(Status, '/api/cluster_status')).data;
    const usage = Object.entries(clusterStatus?.loadMetricsReport.usage ?? {});
    const free = Object.fromEntries(usage.map(([name, [used, all]]) => [name, all - used]));
    return { total, free };
  }

  async probe({ probeId, server, ca, trainingPython, code }: ProbeOrder): Promise<string> {
    await this.#submit(probeId, {
      entrypoint: `exec python -m dss_worker.ray_probe --server ${quoted(server)}`,
      // It has to run while workers wait for room.
      entrypoint_num_cpus: NEXT_TO_NOTHING,
      runtime_env: {
        ...(await this.#codeOf(code)),
        env_vars: {
          ...(ca === '' ? {} : { DSS_TLS_CA_PEM: ca }),
          ...(trainingPython === null ? {} : { DSS_PYTHON: trainingPython }),
        },
      },
    });
    const ended = await this.#untilEnded(probeId);
    // It stays listed: Ray 2.60 lists a job that is deleted as soon as it has ended again, as one that failed.
    const said = await this.#logOf(probeId);
    if (ended.status === 'SUCCEEDED') return said;
    throw new RayError('broken', `a first job on ${this.address} ended badly: ${detailOf(ended)}`, {
      hint: said.trim().split('\n').slice(-5).join('\n'),
    });
  }

  async start(order: WorkerOrder): Promise<void> {
    const { workerId, members, env, code } = order;
    await this.#submit(workerId, {
      ...(members.length > 1 ? gangOf(order) : workerOf(order)),
      runtime_env: {
        ...(await this.#codeOf(code)),
        env_vars: { ...env, RAY_JOB_STOP_WAIT_TIME_S: String(STOP_WITHIN_S) },
      },
    });
  }

  async list(prefix: string): Promise<readonly RayWorker[]> {
    const jobs = await this.#read(z.array(Job), '/api/jobs/');
    const workers = jobs.flatMap((job): readonly RayWorker[] => {
      if (job.submission_id === null || !job.submission_id.startsWith(prefix)) return [];
      return [{ workerId: job.submission_id, state: stateOf(job), detail: detailOf(job) }];
    });
    const isGang = ({ workerId, state }: RayWorker) => state === 'running' && sizeOf(workerId) > 1;
    if (!workers.some(isGang)) return workers;
    // The job of a gang runs while that waits for room.
    const groups = await this.#read(Groups, '/api/v0/placement_groups?limit=10000');
    const made = new Set(groups.data.result.result.filter(({ state }) => state === 'CREATED').map(({ name }) => name));
    return workers.map((worker) =>
      isGang(worker) && !made.has(worker.workerId) ? { ...worker, state: 'pending' } : worker,
    );
  }

  /** A job that still waits stays so until there is room for it, and then ends: nothing of ours starts any more. */
  async stop(workerId: string): Promise<void> {
    const { status, body } = await this.#rest.askJson('POST', `/api/jobs/${encodeURIComponent(workerId)}/stop`);
    if (status !== 200 && status !== 404) throw this.#unexpected('stop', status, body);
  }

  async forget(workerId: string): Promise<void> {
    await this.#rest.askJson('DELETE', `/api/jobs/${encodeURIComponent(workerId)}`);
  }

  async close(): Promise<void> {}

  /** Which of two that submit the same at once is told so and which is refused says nothing: what is there does. */
  async #submit(submissionId: string, job: Readonly<Record<string, unknown>>): Promise<void> {
    const { status, body } = await this.#rest.askJson('POST', '/api/jobs/', { submission_id: submissionId, ...job });
    if (status === 200) return;
    if (status >= 500 && (await this.#find(submissionId)) !== null) return;
    throw this.#unexpected(`submit ${submissionId}`, status, body);
  }

  async #find(submissionId: string): Promise<Job | null> {
    const { status, json } = await this.#rest.askJson('GET', `/api/jobs/${encodeURIComponent(submissionId)}`);
    return status === 200 ? this.#parsed(Job, json, '/api/jobs/') : null;
  }

  async #untilEnded(submissionId: string): Promise<Job> {
    for (let looks = 1; looks <= PROBE_POLLS; looks += 1) {
      const job = await this.#find(submissionId);
      if (job !== null && ENDED.has(job.status)) return job;
      await this.#poll(looks);
    }
    await this.stop(submissionId);
    throw new RayError('unreachable', `a first job on ${this.address} did not end`, {
      hint: `\`ray job status ${submissionId}\` says what it waits for`,
    });
  }

  async #logOf(submissionId: string): Promise<string> {
    return (await this.#read(Logs, `/api/jobs/${encodeURIComponent(submissionId)}/logs`)).logs ?? '';
  }

  /** Uploaded once: the cluster keeps it by its hash, for as long as somebody uses it. */
  async #codeOf(code: WorkerCode | null): Promise<{ readonly working_dir?: string }> {
    if (code === null) return {};
    const path = `/api/packages/gcs/${code.name}`;
    const { status } = await this.#rest.ask({ method: 'GET', path });
    if (status === 404) {
      const put = await this.#rest.ask({ method: 'PUT', path, body: code.zip });
      if (put.status !== 200) throw this.#unexpected('upload', put.status, put.body);
    }
    return { working_dir: `gcs://${code.name}` };
  }

  async #read<T>(schema: z.ZodType<T>, path: string): Promise<T> {
    const { status, body, json } = await this.#rest.askJson('GET', path);
    if (status !== 200) throw this.#unexpected(path, status, body);
    return this.#parsed(schema, json, path);
  }

  #parsed<T>(schema: z.ZodType<T>, json: unknown, path: string): T {
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new RayError(
      'broken',
      `${this.address}${path} answers otherwise than Ray does: ${issue?.path.join('.')}: ${issue?.message}`,
      {
        hint: 'is that the address of a Ray dashboard?',
      },
    );
  }

  #unexpected(what: string, status: number, body: Buffer): RayError {
    // Ray answers with a traceback, whose last line says what is wrong.
    const last = body.toString('utf8').trim().split('\n').at(-1) ?? '';
    return new RayError('invalid', `Ray at ${this.address} refuses (${what}, ${status}): ${last.slice(0, 500)}`);
  }
}

function workerOf({ workerId, args, python, ask }: WorkerOrder): Readonly<Record<string, unknown>> {
  return {
    // In the shell's place, so that a signal to the job is one to the worker.
    entrypoint: `exec ${line([python ?? 'python', '-m', 'dss_worker.ray_worker', '--worker-id', workerId, ...args])}`,
    // Without any a job would see every GPU of the machine.
    entrypoint_num_cpus: ask.cpus,
    ...(ask.gpus > 0 ? { entrypoint_num_gpus: ask.gpus } : {}),
    ...(ask.memoryBytes > 0 ? { entrypoint_memory: ask.memoryBytes } : {}),
    ...(Object.keys(ask.custom).length > 0 ? { entrypoint_resources: ask.custom } : {}),
  };
}

/** A driver of Ray's own Python, which asks for the room of all. */
function gangOf({ workerId, members, args, python, ask }: WorkerOrder): Readonly<Record<string, unknown>> {
  const words = ['--name', workerId, ...members.flatMap((member) => ['--member', member])];
  words.push('--bundle', JSON.stringify(Object.fromEntries(namesOf(ask))));
  if (python !== null) words.push('--python', python);
  return {
    entrypoint: `exec ${line(['python', '-m', 'dss_worker.ray_gang', ...words, '--', ...args])}`,
    entrypoint_num_cpus: NEXT_TO_NOTHING,
  };
}

function stateOf({ status }: Job): RayWorker['state'] {
  if (ENDED.has(status)) return 'ended';
  return status === 'RUNNING' ? 'running' : 'pending';
}

/** Ray's message, which for a job whose program failed is the end of its log. */
function detailOf({ status, message, error_type, driver_exit_code }: Job): string {
  const code = driver_exit_code === null || driver_exit_code === undefined ? '' : `, exit code ${driver_exit_code}`;
  const type = error_type ? `, ${error_type}` : '';
  return `${status}${code}${type}${message ? `: ${message}` : ''}`;
}

/** Of a shell. */
function line(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w./:@=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
