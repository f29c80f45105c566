/** What dss_worker.ray_probe has said of a cluster, and what is to be made of it. */
import { z } from 'zod';
import { ENGINE_VERSION } from '../../core/domain.js';
import { RayError } from './ray-error.js';

const MARK = 'dss-probe:';

const Answer = z.object({
  engine: z.number(),
  host: z.string(),
  versions: z.record(z.string(), z.string()),
  /** Why the agent cannot run there; empty: it can. */
  agent: z.string(),
  training_agent: z.string(),
  training_python: z.string(),
  training_versions: z.record(z.string(), z.string()),
  training: z.string(),
  reach: z.string(),
});

export type ProbeAnswer = z.infer<typeof Answer>;

/** @throws RayError broken */
export function probeAnswerOf(said: string, address: string): ProbeAnswer {
  const line = said.split('\n').findLast((each) => each.startsWith(MARK)) ?? '';
  try {
    return Answer.parse(JSON.parse(line.slice(MARK.length)));
  } catch (cause) {
    throw new RayError('broken', `what a first look at the cluster ${address} said cannot be read`, {
      hint: said.trim().split('\n').slice(-5).join('\n'),
      cause,
    });
  }
}

export interface ProbeWishes {
  readonly address: string;
  /** HOST:PORT of the control plane, as the cluster was told. */
  readonly server: string;
  /** `null`: none was named. */
  readonly python: string | null;
  readonly code: 'upload' | 'installed';
}

/** Runs the agent: `null` is Ray's own Python. @throws RayError broken when no worker could work there */
export function agentPythonOf(answer: ProbeAnswer, { address, server, python, code }: ProbeWishes): string | null {
  if (answer.engine !== ENGINE_VERSION) {
    const message = `dss_worker on the cluster ${address} has engine ${answer.engine}, and this control plane ${ENGINE_VERSION}`;
    throw new RayError('broken', message, {
      hint:
        code === 'installed'
          ? 'install the dss_worker of this version there, or have it uploaded: code: upload below run.ray'
          : 'report this: uploaded code should be of the same version',
    });
  }
  if (answer.reach !== '') throw unreached(answer, server);
  if (answer.training !== '' || answer.training_versions['torch'] === undefined) {
    const why = answer.training === '' ? 'has no torch' : answer.training;
    throw new RayError('broken', `${answer.training_python} on ${answer.host} cannot train: ${why}`, {
      hint: 'name a Python of the cluster that has torch and transformers: python: PATH below run.ray',
    });
  }
  if (answer.agent === '') return null;
  if (python !== null && answer.training_agent === '') return python;
  throw new RayError('broken', `no Python on ${answer.host} can run a worker: ${answer.agent}`, {
    hint: "it needs grpcio and protobuf as in worker-python/pyproject.toml, in Ray's Python or in the one of run.ray.python",
  });
}

/** In a few words, for a log. */
export function versionsText({ versions, training_versions }: ProbeAnswer): string {
  const text = (each: Readonly<Record<string, string>>) =>
    Object.entries(each)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ');
  return `Ray's Python: ${text(versions)}; training: ${text(training_versions)}`;
}

const LOOPBACK = /^(127\.|localhost:|\[::1\])/;

function unreached({ reach, host }: ProbeAnswer, server: string): RayError {
  const [kind = '', ...rest] = reach.split(': ');
  const hints: Readonly<Record<string, string>> = {
    name: 'that name means nothing there; name another: advertise: HOST:PORT below run.ray',
    timeout:
      'a firewall between them, or an address of a network of its own (NAT); workers only need to connect outwards',
    connect: 'does the control plane listen there? `dss serve --listen 0.0.0.0:7333`',
    certificate: '`dss auth init --host NAME` makes a certificate for the name by which the cluster calls this machine',
    tls: 'is that the port that `dss serve` names?',
  };
  const hint = LOOPBACK.test(server)
    ? `${server} is each machine's own; name an address of this one: dss serve --listen 0.0.0.0:7333 with \`dss auth init\`, or advertise: HOST:PORT below run.ray`
    : (hints[kind] ?? '');
  return new RayError(
    'broken',
    `from ${host} on the cluster the control plane at ${server} is not reached: ${rest.join(': ') || reach}`,
    { hint },
  );
}
