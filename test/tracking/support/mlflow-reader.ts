/** MLflow's own Python client, in a process that stays: its import takes seconds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ReadRun {
  readonly id: string;
  readonly parent: string | null;
  readonly name: string;
  readonly status: string;
  readonly start: number;
  readonly end: number | null;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Step and value, the latter as Python prints it. */
  readonly metrics: Readonly<Record<string, readonly (readonly [number, string])[]>>;
}

export interface MlflowReader {
  /** With the history of some metrics, or of all. */
  runs(experiment: string, keys: readonly string[] | null): Promise<readonly ReadRun[]>;
  /** For good. */
  remove(runId: string): Promise<void>;
  stop(): Promise<void>;
}

export function startReader(python: string, url: string, database: string): MlflowReader {
  const script = fileURLToPath(new URL('read_mlflow.py', import.meta.url));
  const child = spawn(python, [script, url, database], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request: object): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await lines.next();
    if (line.done === true) throw new Error('the reader has ended');
    return JSON.parse(line.value);
  };
  return {
    runs: async (experiment, keys) => (await ask({ experiment, keys })) as readonly ReadRun[],
    remove: async (runId) => void (await ask({ remove: runId })),
    async stop() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
