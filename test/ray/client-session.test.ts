/** What a real head cannot be made to do, by one of the test's own that speaks the same protocol. */
import assert from 'node:assert/strict';
import { Server, ServerCredentials, type ServerDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import { raySettingsOf } from '../../orchestrator/core/sweep/places/ray-settings.js';
import { ClientCluster } from '../../orchestrator/launchers/ray/client/client-cluster.js';
import {
  type DataRequest,
  type DataResponse,
  RayletDataStreamerService,
  RayletDriverService,
} from '../../orchestrator/launchers/ray/client/generated/ray/ray_client.js';
import { picklePlain } from '../../orchestrator/launchers/ray/client/pickle.js';
import { connectCluster } from '../../orchestrator/launchers/ray/connect.js';
import { silent } from '../support/control-planes.js';

type Call = ServerDuplexStream<DataRequest, DataResponse>;
type Said = NonNullable<DataResponse['type']>;
/** `cut`: the stream ends without a word; a number: with that code. */
type Reaction = Said | 'cut' | number | null;

describe("Ray's client protocol", () => {
  let server: Server;
  let cluster: ClientCluster;
  let clients: string[];
  let tokens: unknown[];
  let pauses: number[];
  let react: (request: NonNullable<DataRequest['type']>, session: number) => Reaction;

  const usual = (request: NonNullable<DataRequest['type']>): Reaction => {
    switch (request.$case) {
      case 'init':
        return { $case: 'init', value: { ok: true, msg: '' } };
      case 'connectionInfo':
        return {
          $case: 'connectionInfo',
          value: { numClients: 1, rayVersion: '2.60.0', rayCommit: '', pythonVersion: '3.11' },
        };
      case 'listNamedActors':
        return { $case: 'listNamedActors', value: { actorsJson: '[]' } };
      case 'connectionCleanup':
        return { $case: 'connectionCleanup', value: {} };
      default:
        return null;
    }
  };

  function datapath(call: Call): void {
    clients.push(String(call.metadata.get('client_id')[0]));
    tokens.push(call.metadata.get('authorization')[0]);
    const session = clients.length;
    call.on('data', ({ reqId, type }: DataRequest) => {
      if (type === undefined || type.$case === 'acknowledge') return;
      const said = react(type, session);
      if (said === 'cut') call.end();
      else if (typeof said === 'number') call.emit('error', { code: said, details: 'scripted' });
      else if (said !== null) call.write({ reqId, type: said });
      if (type.$case === 'connectionCleanup') call.end();
    });
    call.on('error', () => {});
  }

  beforeEach(async () => {
    clients = [];
    tokens = [];
    pauses = [];
    react = usual;
    server = new Server();
    server.addService(RayletDataStreamerService, { datapath });
    const info = (_: unknown, done: (error: ServiceError | null, response: unknown) => void) =>
      done(null, { type: 4, responseType: { $case: 'runtimeContext', value: { sessionName: 'session-1' } } });
    const empty = (_: unknown, done: (error: ServiceError | null, response: unknown) => void) => done(null, {});
    server.addService(RayletDriverService, {
      clusterInfo: info,
      kvPut: empty,
      kvExists: empty,
      pinRuntimeEnvUri: empty,
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const pause = async (failures: number) => void pauses.push(failures);
    const tls = { ca: null, certificate: null, key: null };
    cluster = new ClientCluster({ address: `127.0.0.1:${port}`, token: 'the-token', tls, namespace: 'dss', pause });
  });

  afterEach(async () => {
    await cluster.close();
    server.forceShutdown();
  });

  it('says who it is, which Ray that is, and which life of the head', async () => {
    assert.deepEqual(await cluster.facts(), { rayVersion: '2.60.0', session: 'session-1' });
    assert.deepEqual(tokens, ['Bearer the-token']);
    assert.match(clients[0] ?? '', /^[0-9a-f]{32}$/);
  });

  it('tries again with a new id when the head could not start a server for it', async () => {
    react = (request, session) =>
      request.$case === 'init' && session < 3
        ? { $case: 'init', value: { ok: false, msg: 'Starting Ray client server failed. See ray_client_server.err' } }
        : usual(request);
    await cluster.facts();
    assert.equal(new Set(clients).size, 3);
    assert.deepEqual(pauses, [1, 2]);
  });

  it('does not try again what fails each time', async () => {
    react = (request) =>
      request.$case === 'init'
        ? { $case: 'init', value: { ok: false, msg: 'no runtime_env\nRuntimeError: bad' } }
        : null;
    await assert.rejects(cluster.facts(), { kind: 'broken', message: /opens no session: RuntimeError: bad/ });
    assert.equal(clients.length, 1);
  });

  for (const [how, said] of [
    ['is cut off', 'cut'],
    ['breaks because its server was killed (14)', status.UNAVAILABLE],
    ['is forgotten by the head (5)', status.NOT_FOUND],
    ['breaks for what it was asked before (9)', status.FAILED_PRECONDITION],
  ] as const) {
    it(`asks again in another session when one ${how} in the middle`, async () => {
      react = (request, session) => (request.$case === 'listNamedActors' && session === 1 ? said : usual(request));
      assert.deepEqual(await cluster.list('w-'), []);
      assert.equal(new Set(clients).size, 2);
    });
  }

  it('gives up after a few sessions that break', async () => {
    react = (request) => (request.$case === 'listNamedActors' ? 'cut' : usual(request));
    await assert.rejects(cluster.list('w-'), { kind: 'unreachable' });
    assert.equal(clients.length, 5);
  });

  it('is told once that its token is wrong', async () => {
    react = () => status.UNAUTHENTICATED;
    await assert.rejects(cluster.facts(), { kind: 'refused', hint: /RAY_AUTH_TOKEN/ });
    assert.equal(clients.length, 1);
  });

  it('may be answered with 12 MiB, and with no more than 16', async () => {
    let mib = 12;
    react = (request) =>
      request.$case === 'listNamedActors'
        ? {
            $case: 'listNamedActors',
            value: { actorsJson: JSON.stringify([{ name: 'x'.repeat(mib * 2 ** 20), namespace: 'dss' }]) },
          }
        : usual(request);
    assert.deepEqual(await cluster.list('w-'), []);
    mib = 17;
    await assert.rejects(cluster.list('w-'), { kind: 'unreachable', message: /more than 16777216 bytes/ });
  });

  it('closes a session that nobody uses', async () => {
    const said: string[] = [];
    react = (request) => {
      said.push(request.$case);
      return usual(request);
    };
    await cluster.list('w-');
    await cluster.list('w-');
    assert.equal(clients.length, 1, 'calls that follow one another share one');
    await cluster.close();
    assert.equal(said.at(-1), 'connectionCleanup');
  });

  it('ends the session that it had when it needs one that knows the code', async () => {
    const said: string[] = [];
    react = (request, session) => {
      said.push(`${session} ${request.$case}`);
      if (request.$case === 'put') return { $case: 'put', value: { id: Buffer.from('class'), valid: true } };
      if (request.$case === 'task') {
        return { $case: 'taskTicket', value: { valid: true, returnIds: [Buffer.from('actor')] } };
      }
      return usual(request);
    };
    await cluster.list('w-');
    const ask = { cpus: 1, gpus: 0, memoryBytes: 0, custom: {} };
    const order = { workerId: 'w-1-1', members: ['w-1-1'], args: [], env: {}, python: null, ask };
    await cluster.start({ ...order, code: { name: '_ray_pkg_0.zip', zip: Buffer.from('zip') } });
    assert.deepEqual(said, [
      ...['1 init', '1 listNamedActors', '2 init', '1 connectionCleanup'],
      ...['2 put', '2 task'],
    ]);
    await cluster.list('w-');
    assert.equal(said.at(-1), '2 listNamedActors', 'and needs no other for what any session can do');
  });

  it('has stopped a worker that dies while it is told to', async () => {
    const asked: string[] = [];
    react = (request) => {
      switch (request.$case) {
        case 'listNamedActors':
          return { $case: 'listNamedActors', value: { actorsJson: '[{"name":"w-1-1","namespace":"dss"}]' } };
        case 'task': {
          const { name = '' } = request.value;
          asked.push(name);
          return { $case: 'taskTicket', value: { valid: true, returnIds: [Buffer.from(name)] } };
        }
        case 'get': {
          const isStop = String(request.value.ids[0]) === 'stop';
          const said = isStop
            ? ['ActorDiedError', 'The actor is dead because its worker process has died']
            : '{"runs": true}';
          return { $case: 'get', value: { valid: true, data: picklePlain(said) } };
        }
        default:
          return usual(request);
      }
    };
    assert.equal((await cluster.list('w-'))[0]?.state, 'running');
    await cluster.stop('w-1-1');
    assert.equal(asked.at(-1), 'stop');
  });

  it('is not spoken to further when its version was never tried, unless that is asked for', async () => {
    const [, address = ''] = cluster.address.split('//');
    react = (request) =>
      request.$case === 'connectionInfo'
        ? { $case: 'connectionInfo', value: { numClients: 1, rayVersion: '9.9.9', rayCommit: '', pythonVersion: '' } }
        : usual(request);
    const settings = { address: `ray://${address}`, ray: { adapter: 'client' } };
    await assert.rejects(connectCluster(raySettingsOf(settings), silent), {
      kind: 'untested',
      message: /runs Ray 9\.9\.9; tested are 2\.56\.1, 2\.60\.0/,
      hint: /--allow-untested-ray/,
    });
    const allowed = { ...settings, ray: { ...settings.ray, allow_untested_ray: true } };
    await (await connectCluster(raySettingsOf(allowed), silent)).close();
  });

  it('refuses a list that is none', async () => {
    react = (request) =>
      request.$case === 'listNamedActors'
        ? { $case: 'listNamedActors', value: { actorsJson: '{"a"' } }
        : usual(request);
    await assert.rejects(cluster.list('w-'), { kind: 'broken', message: /list of actors/ });
  });
});
