/** A real MLflow server on SQLite, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface MlflowServer {
  readonly url: string;
  stop(): Promise<void>;
}

export function databaseIn(folder: string): string {
  return `sqlite:///${join(folder, 'mlflow.db')}`;
}

/** On the same folder and port again, it is the same server. */
export async function startMlflow(bin: string, folder: string, port?: number): Promise<MlflowServer> {
  const chosen = port ?? (await freePort());
  const flags = [
    '--host',
    '127.0.0.1',
    '--port',
    String(chosen),
    '--workers',
    '1',
    '--backend-store-uri',
    databaseIn(folder),
  ];
  // Not by a pipe: nobody reads it while a test waits for a script.
  const log = openSync(join(folder, 'server.log'), 'a');
  const child = spawn(
    join(bin, 'python'),
    ['-m', 'mlflow', 'server', ...flags, '--default-artifact-root', join(folder, 'artifacts')],
    {
      cwd: folder,
      // Its job runners, a dozen processes, have nothing to do here.
      env: {
        ...process.env,
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
        MLFLOW_DISABLE_TELEMETRY: 'true',
        OMP_NUM_THREADS: '1',
      },
      stdio: ['ignore', log, log],
      detached: true,
    },
  );
  const url = `http://127.0.0.1:${chosen}`;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`MLflow ended: ${readFileSync(join(folder, 'server.log'), 'utf8')}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  // Its workers are in its group.
  process.kill(-child.pid, 'SIGKILL');
  await ended;
}

function answers(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export interface Forwarder {
  readonly url: string;
  /** Each request that came, `POST runs/log-batch`, and what it showed of itself. */
  readonly requests: { readonly what: string; readonly authorization: string | undefined }[];
  /** Each point that was handed to a server: run, key and step. */
  readonly delivered: string[];
  /** The next answer to such a request is lost on its way back, after the server has done what was asked. */
  loseAnswerTo(what: string): void;
  close(): Promise<void>;
}

/** Between dss and a server: every byte is the server's, but for an answer that is lost. */
export async function forwardTo(url: string): Promise<Forwarder> {
  const requests: Forwarder['requests'] = [];
  const delivered: string[] = [];
  let lost: string | null = null;
  const server = http.createServer((incoming, answer) => {
    const path = incoming.url ?? '';
    const what = `${incoming.method} ${path.replace('/api/2.0/mlflow/', '').replace(/\?.*/, '')}`;
    requests.push({ what, authorization: incoming.headers.authorization });
    const onward = http.request(`${url}${path}`, { method: incoming.method, headers: incoming.headers }, (response) => {
      if (what === lost) {
        lost = null;
        response.resume().on('end', () => answer.destroy());
        return;
      }
      answer.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('end', () => {
      const body = Buffer.concat(pieces);
      if (what === 'POST runs/log-batch') delivered.push(...pointsIn(body.toString()));
      onward.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    delivered,
    loseAnswerTo: (what) => {
      lost = what;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function pointsIn(body: string): readonly string[] {
  const { run_id, metrics = [] } = JSON.parse(body) as { run_id: string; metrics?: { key: string; step: number }[] };
  return metrics.map(({ key, step }) => `${run_id} ${key} ${step}`);
}
