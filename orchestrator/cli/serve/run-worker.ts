/** What `dss worker` does: the worker's agent in the foreground. It keeps trying while the control plane is away. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { availableParallelism, constants, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { SweepError } from '../../core/errors.js';
import { joinTokenPath, readJoinToken } from '../auth/join-token.js';
import { resolveHome } from '../environment.js';
import { findTrainingPython, pythonPath } from '../python.js';
import { parseSlots } from '../run/worker-flags.js';
import { findRunningPlane } from '../server/running-plane.js';

export interface WorkerFlags {
  readonly server: string | undefined;
  readonly name: string | undefined;
  readonly device: string;
  readonly threads: number | undefined;
  /** Trials that it runs side by side. */
  readonly slots: number;
  readonly cache?: string | undefined;
  /** That it may take. */
  readonly cacheBytes?: number | undefined;
  /** Where other machines meet this one. */
  readonly rendezvousPort?: number | undefined;
  readonly home: string | undefined;
}

export async function joinAsWorker(flags: WorkerFlags, env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const home = resolveHome(flags.home);
  const slots = parseSlots(flags.slots);
  mustBeDevice(flags.device);
  mustBeThreads(flags.threads);
  const server = flags.server ?? (await servingAddress(home));
  const token = env['DSS_JOIN_TOKEN'] || joinTokenOf(home, env);
  const args = ['-P', '-m', 'dss_worker', 'agent', '--server', server, '--worker-id', flags.name ?? ownName()];
  const threads = flags.threads ?? Math.max(1, Math.floor(availableParallelism() / slots));
  args.push('--threads', String(threads), '--device', flags.device, '--slots', String(slots), '--keep-trying');
  args.push('--cache', resolve(flags.cache ?? (env['DSS_WORKER_CACHE'] || join(home, 'cache', 'worker'))));
  if (flags.cacheBytes !== undefined) args.push('--cache-bytes', String(flags.cacheBytes));
  if (flags.rendezvousPort !== undefined) args.push('--rendezvous-port', String(flags.rendezvousPort));
  const agent = spawn(await findTrainingPython(env), args, {
    env: {
      ...env,
      PYTHONPATH: pythonPath(),
      DSS_JOIN_TOKEN: token,
      DSS_TOKEN_CACHE: env['DSS_TOKEN_CACHE'] ?? join(home, 'cache', 'tokens'),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
    // Ctrl-C comes to us alone, and goes on to it once.
    detached: true,
  });
  const forward = (signal: NodeJS.Signals) => agent.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, forward);
  try {
    return await new Promise((resolve, reject) => {
      agent.on('error', (cause) => reject(new SweepError('PYTHON_MISSING', cause.message, { cause })));
      agent.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
    });
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}

/** A worker that shows a certificate needs none. */
function joinTokenOf(home: string, env: NodeJS.ProcessEnv): string {
  const named = env['DSS_JOIN_TOKEN_FILE'];
  if (named === undefined && env['DSS_TLS_CERT'] !== undefined) return '';
  return readJoinToken(named || joinTokenPath(home));
}

async function servingAddress(home: string): Promise<string> {
  const plane = await findRunningPlane(home);
  if (plane?.serves === true) return plane.address;
  throw new SweepError('UNAVAILABLE', `no control plane serves the state folder ${home}`, {
    hint: 'start `dss serve` there, or name one with --server HOST:PORT',
  });
}

/** @throws SweepError USAGE */
function mustBeDevice(device: string): void {
  if (/^(auto|cpu|cuda:\d{1,3}(,\d{1,3})*)$/.test(device)) return;
  throw new SweepError('USAGE', `--device: expected auto, cpu, cuda:K or cuda:K,L,…, got "${device}"`, {
    hint: device === 'cuda' ? 'cuda:0 is the first GPU; auto takes it if there is one' : 'K counts GPUs from 0',
  });
}

/** @throws SweepError USAGE */
function mustBeThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= 1024)) return;
  throw new SweepError('USAGE', `--threads: expected a whole number from 1 to 1024, got ${threads}`);
}

/** As the wire wants it: small letters, digits and dashes. */
function ownName(): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-');
  return `${host.slice(0, 48)}-${randomBytes(3).toString('hex')}`;
}
