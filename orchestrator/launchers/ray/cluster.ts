/** A Ray cluster as the launcher sees it, whichever way it is spoken to. */

/** What a worker asks of the cluster. */
export interface Ask {
  readonly cpus: number;
  readonly gpus: number;
  /** 0: none is asked for. */
  readonly memoryBytes: number;
  readonly custom: Readonly<Record<string, number>>;
}

export interface WorkerOrder {
  /** Of this one process or gang, and of none before or after it. */
  readonly workerId: string;
  /** The ids by which its workers join: of several it is a gang, which gets all of its room or none. */
  readonly members: readonly string[];
  /** For dss_worker.ray_worker, beside the id. */
  readonly args: readonly string[];
  /** Beside what Ray gives it. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs the agent; `null`: Ray's own. */
  readonly python: string | null;
  /** Of each of them. */
  readonly ask: Ask;
  readonly code: WorkerCode | null;
}

/** The worker's package, as a cluster gets it. */
export interface WorkerCode {
  /** `_ray_pkg_HASH.zip`: the same sources have the same name. */
  readonly name: string;
  readonly zip: Buffer;
}

export interface RayWorker {
  readonly workerId: string;
  readonly state: 'pending' | 'running' | 'ended';
  /** How it ended or what it waits for, in the cluster's words; may be empty. */
  readonly detail: string;
}

export interface ClusterFacts {
  readonly rayVersion: string;
  /** Another one after each start of the head: what ran before it is gone. */
  readonly session: string;
}

/** By name, as Ray calls them: CPU, GPU, memory, … */
export interface ClusterRoom {
  readonly total: Readonly<Record<string, number>>;
  /** Of a head that has just started, nothing may have been told yet: a name that is missing is not known. */
  readonly free: Readonly<Record<string, number>>;
}

export interface ProbeOrder {
  readonly probeId: string;
  /** HOST:PORT of the control plane, as workers will be told. */
  readonly server: string;
  /** PEM; empty: without TLS. */
  readonly ca: string;
  /** `null`: Ray's own. */
  readonly trainingPython: string | null;
  readonly code: WorkerCode | null;
}

/** Every method throws RayError. */
export interface RayCluster {
  readonly adapter: 'jobs' | 'client';
  /** As a person would write it. */
  readonly address: string;
  facts(): Promise<ClusterFacts>;
  room(): Promise<ClusterRoom>;
  /** What dss_worker.ray_probe says, as text. */
  probe(order: ProbeOrder): Promise<string>;
  /** One that is there already is as good as one that was started. */
  start(order: WorkerOrder): Promise<void>;
  /** Those whose ids begin so; those that have ended as far as the cluster remembers them. */
  list(prefix: string): Promise<readonly RayWorker[]>;
  /** Gives it time to write down where it is. One that is not there has stopped. */
  stop(workerId: string): Promise<void>;
  /** Those that have ended leave no trace. */
  forget(workerId: string): Promise<void>;
  close(): Promise<void>;
}
