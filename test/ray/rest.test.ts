/** What a real dashboard cannot be made to do, by one of the test's own. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JobsCluster, type JobsOptions } from '../../orchestrator/launchers/ray/jobs.js';

interface Heard {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = readonly [status: number, body: unknown] | 'cut' | 'silence';

const ORDER = {
  workerId: 'w-1-1',
  members: ['w-1-1'],
  args: ['--gpus', "o'1"],
  env: { DSS_JOIN_TOKEN: 'secret' },
  python: null,
  ask: { cpus: 0.5, gpus: 1, memoryBytes: 0, custom: { fast: 1 } },
  code: { name: '_ray_pkg_0.zip', zip: Buffer.from('zip') },
};
const RUNNING = { submission_id: 'w-1-1', status: 'RUNNING', message: 'Job is currently running.' };

describe("the Jobs interface of Ray's dashboard", () => {
  let server: Server;
  let heard: Heard[];
  let answers: Map<string, Answer[]>;
  let cluster: JobsCluster;
  let pauses: number[];
  let options: JobsOptions;

  beforeEach(async () => {
    heard = [];
    answers = new Map([['GET /api/packages/gcs/_ray_pkg_0.zip', [[200, '']]]]);
    pauses = [];
    server = createServer((request, response) => void answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const pause = async (failures: number) => void pauses.push(failures);
    const tls = { ca: null, certificate: null, key: null };
    options = { base: new URL(`http://127.0.0.1:${port}`), token: 'the-token', tls, pause, poll: pause };
    cluster = new JobsCluster(options);
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const line = `${request.method} ${request.url}`;
    heard.push({ line, headers: request.headers, body: Buffer.concat(chunks).toString() });
    const left = answers.get(line) ?? [];
    const next = left.length > 1 ? left.shift() : left[0];
    if (next === 'cut') request.socket.destroy();
    if (next === 'cut' || next === 'silence') return;
    const [status, body] = next ?? [404, 'there is none'];
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  const script = (line: string, ...said: Answer[]) => answers.set(line, said);
  const lines = () => heard.map(({ line }) => line);

  it('is asked by what a browser would not send, with the token', async () => {
    script('GET /api/version', [200, { ray_version: '2.60.0', session_name: 's' }]);
    assert.deepEqual(await cluster.facts(), { rayVersion: '2.60.0', session: 's' });
    const headers = heard[0]?.headers ?? {};
    assert.equal(headers['authorization'], 'Bearer the-token');
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('sec-') || name === 'origin' || name === 'user-agent'),
      [],
    );
  });

  it('has room of which nobody has told yet how much is free, when its head has just started', async () => {
    const nodes = [
      { state: 'ALIVE', resources_total: { CPU: 4, GPU: 1 } },
      { state: 'ALIVE', resources_total: { CPU: 2 } },
      { state: 'DEAD', resources_total: { CPU: 64 } },
    ];
    script('GET /api/v0/nodes?detail=1', [200, { data: { result: { result: nodes } } }]);
    const status = (clusterStatus: object | null): Answer => [200, { data: { clusterStatus } }];
    const reported = (usage: object) => status({ loadMetricsReport: { usage } });
    script('GET /api/cluster_status', status(null), reported({}), reported({ CPU: [1.5, 6], GPU: [1, 1] }));
    const total = { CPU: 6, GPU: 1 };
    assert.deepEqual(await cluster.room(), { total, free: {} });
    assert.deepEqual(await cluster.room(), { total, free: {} });
    assert.deepEqual(await cluster.room(), { total, free: { CPU: 4.5, GPU: 0 } });
  });

  it('is given a job whose words are quoted, which asks for its devices and has time to stop', async () => {
    script('POST /api/jobs/', [200, { submission_id: 'w-1-1' }]);
    await cluster.start(ORDER);
    const job = JSON.parse(heard.at(-1)?.body ?? '') as Record<string, unknown>;
    assert.deepEqual(job, {
      submission_id: 'w-1-1',
      entrypoint: `exec python -m dss_worker.ray_worker --worker-id w-1-1 --gpus 'o'\\''1'`,
      entrypoint_num_cpus: 0.5,
      entrypoint_num_gpus: 1,
      entrypoint_resources: { fast: 1 },
      runtime_env: {
        working_dir: 'gcs://_ray_pkg_0.zip',
        env_vars: { DSS_JOIN_TOKEN: 'secret', RAY_JOB_STOP_WAIT_TIME_S: '28' },
      },
    });
  });

  it('is given a gang as one job, which asks for the room of all', async () => {
    script('POST /api/jobs/', [200, {}]);
    const members = ['w-1-1-of-2-m1', 'w-1-1-of-2-m2'];
    await cluster.start({ ...ORDER, workerId: 'w-1-1-of-2', members, args: ['--gpus', '1'], python: '/opt/python' });
    const job = JSON.parse(heard.at(-1)?.body ?? '') as Record<string, unknown>;
    assert.equal(
      job['entrypoint'],
      'exec python -m dss_worker.ray_gang --name w-1-1-of-2 --member w-1-1-of-2-m1 --member w-1-1-of-2-m2 ' +
        `--bundle '{"CPU":0.5,"GPU":1,"fast":1}' --python /opt/python -- --gpus 1`,
    );
    assert.deepEqual([job['entrypoint_num_cpus'], job['entrypoint_num_gpus']], [0.001, undefined]);
  });

  it('shows a gang that waits for room as pending, although its job runs', async () => {
    const gangs = ['w-1-1-of-2', 'w-2-1-of-2'].map((submission_id) => ({ ...RUNNING, submission_id }));
    script('GET /api/jobs/', [200, [...gangs, RUNNING]]);
    const groups = [
      { name: 'w-1-1-of-2', state: 'CREATED' },
      { name: 'w-2-1-of-2', state: 'PENDING' },
    ];
    script('GET /api/v0/placement_groups?limit=10000', [200, { data: { result: { result: groups } } }]);
    const states = (await cluster.list('w-')).map(({ workerId, state }) => [workerId, state]);
    assert.deepEqual(states, [
      ['w-1-1-of-2', 'running'],
      ['w-2-1-of-2', 'pending'],
      ['w-1-1', 'running'],
    ]);
  });

  it('is sent the code once', async () => {
    script('POST /api/jobs/', [200, {}]);
    script('GET /api/packages/gcs/_ray_pkg_0.zip', [404, ''], [200, '']);
    script('PUT /api/packages/gcs/_ray_pkg_0.zip', [200, '']);
    await cluster.start(ORDER);
    await cluster.start(ORDER);
    assert.equal(lines().filter((line) => line.startsWith('PUT')).length, 1);
    assert.equal(heard.find(({ line }) => line.startsWith('PUT'))?.body, 'zip');
  });

  it('counts a job that is there already as started, whatever status that has', async () => {
    script('POST /api/jobs/', [500, 'ValueError: Job with submission_id w-1-1 already exists.']);
    script('GET /api/jobs/w-1-1', [200, RUNNING]);
    await cluster.start(ORDER);
  });

  it('says what it is refused for, when the job is not there', async () => {
    script('POST /api/jobs/', [400, 'Traceback\n  File\nTypeError: unexpected keyword argument']);
    await assert.rejects(cluster.start(ORDER), { kind: 'invalid', message: /TypeError: unexpected keyword argument/ });
  });

  it('shows a job that was accepted and then failed as one that has ended', async () => {
    const failed = { submission_id: 'w-1-1', status: 'FAILED', error_type: 'JOB_SUPERVISOR_ACTOR_START_FAILURE' };
    script('GET /api/jobs/', [200, [failed, RUNNING, { submission_id: null, status: 'RUNNING' }]]);
    const [first, second, ...rest] = await cluster.list('w-');
    assert.deepEqual(first, {
      workerId: 'w-1-1',
      state: 'ended',
      detail: 'FAILED, JOB_SUPERVISOR_ACTOR_START_FAILURE',
    });
    assert.equal(second?.state, 'running');
    assert.deepEqual(rest, []);
  });

  it('stops a job that still waits, and one that is not there has stopped', async () => {
    script('POST /api/jobs/w-1-1/stop', [200, { stopped: true }]);
    await cluster.stop('w-1-1');
    await cluster.stop('w-2-1');
  });

  it('is asked again, a few times, when it is busy or cut off, and waits longer each time', async () => {
    script('GET /api/version', [503, ''], 'cut', [200, { ray_version: '2.60.0', session_name: 's' }]);
    await cluster.facts();
    assert.deepEqual(pauses, [1, 2]);
    script('GET /api/version', 'cut');
    await assert.rejects(cluster.facts(), { kind: 'unreachable', message: /does not answer/ });
    assert.equal(lines().length, 3 + 4);
  });

  it('is not waited for for ever', async () => {
    script('GET /api/version', 'silence');
    const impatient = new JobsCluster({ ...options, timeoutMs: 300 });
    await assert.rejects(impatient.facts(), { kind: 'unreachable', message: /no answer in 0\.3 s/ });
  });

  for (const [status, words] of [
    [401, /wants a token/],
    [403, /does not take the token/],
  ] as const) {
    it(`is asked once when it answers ${status}, and the message says where a token comes from`, async () => {
      script('GET /api/version', [status, '']);
      await assert.rejects(cluster.facts(), { kind: 'refused', message: words, hint: /RAY_AUTH_TOKEN/ });
      assert.equal(lines().length, 1);
    });
  }

  it('may answer with 12 MiB', async () => {
    const jobs = Array.from({ length: 12 }, (_, index) => ({ ...RUNNING, submission_id: `w-${index}-1` }));
    script('GET /api/jobs/', [200, jobs.map((job) => ({ ...job, message: 'x'.repeat(2 ** 20) }))]);
    assert.equal((await cluster.list('w-')).length, 12);
  });

  const others: readonly (readonly [string, Answer])[] = [
    ['a page', [200, '<html>']],
    ['something else', [200, { version: '1' }]],
  ];
  for (const [what, said] of others) {
    it(`is not taken for Ray's when it answers with ${what}`, async () => {
      script('GET /api/version', said);
      await assert.rejects(cluster.facts(), { kind: 'broken', hint: /address of a Ray dashboard/ });
    });
  }

  it('says what a first job has said that failed', async () => {
    script('POST /api/jobs/', [200, {}]);
    script(
      'GET /api/jobs/p',
      [200, { submission_id: 'p', status: 'PENDING' }],
      [200, { submission_id: 'p', status: 'FAILED', driver_exit_code: 1 }],
    );
    script('GET /api/jobs/p/logs', [200, { logs: 'python: No module named dss_worker' }]);
    const order = { probeId: 'p', server: '127.0.0.1:1', ca: '', trainingPython: null, code: null };
    await assert.rejects(cluster.probe(order), { kind: 'broken', message: /exit code 1/, hint: /No module named/ });
  });
});
