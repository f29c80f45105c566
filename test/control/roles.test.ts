import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import { type Client, connectClient } from '../../orchestrator/control/client.js';
import { ROLE_OF } from '../../orchestrator/control/identities.js';
import { bearer } from '../../orchestrator/control/tokens.js';
import { mayAct, ROLES, type Role } from '../../orchestrator/core/roles.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { ClientServiceClient, ClientServiceService } from '../../orchestrator/wire/generated/dss/v1/client.js';
import { TestPlane } from '../support/control-planes.js';
import { Log } from '../support/log.js';
import { ScriptedWorker } from '../support/scripted-worker.js';
import { trialsOf } from '../support/trials.js';

const GRANTED = new Date(0).toISOString();

type Rpc = keyof typeof ClientServiceService;

const NEEDED: Readonly<Record<Rpc, Role>> = {
  info: 'read',
  list: 'read',
  standing: 'read',
  findTrials: 'read',
  trials: 'read',
  measurements: 'read',
  watch: 'read',
  logs: 'read',
  submit: 'submit',
  retry: 'submit',
  pause: 'submit',
  resume: 'submit',
  cancel: 'submit',
  stop: 'admin',
};

function grantUser(home: string, user: string, role: Role, expiresAt: string | null = null): string {
  return new TokenStore(home).grant({ kind: 'user', user, role, createdAt: GRANTED, expiresAt });
}

function grantPool(home: string, pool: string, expiresAt: string | null = null): string {
  return new TokenStore(home).grant({ kind: 'pool', pool, createdAt: GRANTED, expiresAt });
}

function revoke(home: string, kind: 'user' | 'pool'): void {
  const store = new TokenStore(home);
  for (const { id } of store.list().filter((each) => each.kind === kind)) store.revoke(kind, id);
}

/** Asks for nothing in particular, and gives what became of that. */
async function ask(address: string, token: string, rpc: Rpc): Promise<{ code: status; details: string }> {
  const { path, responseDeserialize, responseStream } = ClientServiceService[rpc];
  const client = new ClientServiceClient(address, credentials.createInsecure());
  const serialize = () => Buffer.alloc(0);
  const deserialize = responseDeserialize as (bytes: Buffer) => object;
  try {
    return await new Promise((resolve) => {
      const settle = (error: ServiceError | null) => resolve(error ?? { code: status.OK, details: '' });
      if (responseStream) {
        const call = client.makeServerStreamRequest(path, serialize, deserialize, {}, bearer(token));
        call.on('error', settle).on('data', () => settle(null));
      } else client.makeUnaryRequest(path, serialize, deserialize, {}, bearer(token), settle);
    });
  } finally {
    client.close();
  }
}

describe('roles', () => {
  it('are said for every RPC of the service for people', () => {
    assert.deepEqual(Object.keys(NEEDED).sort(), Object.keys(ClientServiceService).sort());
    assert.deepEqual(ROLE_OF, NEEDED);
  });

  for (const role of ROLES) {
    it(`let "${role}" do what it may and nothing else`, async () => {
      await using test = await TestPlane.start();
      const token = grantUser(test.home, 'anna', role);
      for (const rpc of Object.keys(NEEDED) as Rpc[]) {
        const { code, details } = await ask(test.plane.address, token, rpc);
        const needed = NEEDED[rpc];
        if (mayAct(role, needed))
          assert.ok(![status.PERMISSION_DENIED, status.UNAUTHENTICATED].includes(code), details);
        else {
          assert.equal(code, status.PERMISSION_DENIED, `${rpc}: ${details}`);
          assert.match(details, new RegExp(`needs role ${needed}; the token of anna has ${role}`));
        }
      }
    });
  }

  it('let nobody do anything without a token', async () => {
    await using test = await TestPlane.start();
    const join = grantPool(test.home, 'lab');
    for (const token of ['', 'guess', test.plane.joinToken, join]) {
      for (const rpc of Object.keys(NEEDED) as Rpc[]) {
        assert.equal((await ask(test.plane.address, token, rpc)).code, status.UNAUTHENTICATED, rpc);
      }
    }
  });
});

describe('the token of a person', () => {
  it('makes that person the owner of what it submits', async () => {
    await using test = await TestPlane.start();
    const anna = clientOf(test, grantUser(test.home, 'anna', 'submit'));
    await anna.submit('hers', trialsOf(1), { retryFailed: false });
    await test.client.submit('ours', trialsOf(1, 2), { retryFailed: false });
    const journal = openJournalReader(test.home);
    assert.equal(journal?.sweep('hers')?.standing.owner, 'anna');
    assert.equal(journal?.sweep('ours')?.standing.owner, '');
    journal?.close();
    anna.close();
  });

  it('counts from when it is granted until it is revoked, while the control plane runs', async () => {
    await using test = await TestPlane.start();
    const anna = clientOf(test, grantUser(test.home, 'anna', 'read'));
    assert.deepEqual(await anna.list(), []);
    revoke(test.home, 'user');
    await assert.rejects(anna.list(), { code: 'AUTH_INVALID', message: 'the token is missing or wrong' });
    anna.close();
  });

  it('ends with its days, and says so', async () => {
    await using test = await TestPlane.start();
    const anna = clientOf(test, grantUser(test.home, 'anna', 'read', '2026-01-31T12:00:00.000Z'));
    await assert.rejects(anna.list(), { code: 'AUTH_INVALID', message: 'the token of anna expired on 2026-01-31' });
    anna.close();
  });

  it('is refused to workers', async () => {
    await using test = await TestPlane.start();
    const worker = workerOf(test, grantUser(test.home, 'anna', 'admin'));
    assert.match(await worker.ended, /this is the token of a person, anna/);
    worker.close();
  });
});

describe('the token of a pool', () => {
  it('lets its workers in until it is revoked, and then sends away those that are there', async () => {
    await using test = await TestPlane.start();
    const worker = workerOf(test, grantPool(test.home, 'lab'));
    await worker.next('welcome');
    worker.say({ kind: 'renew', leases: [] });
    await worker.next('renewed');
    revoke(test.home, 'pool');
    worker.say({ kind: 'renew', leases: [] });
    assert.match(await worker.ended, /token is missing or wrong/);
    worker.close();
  });

  it('ends with its days, and says so', async () => {
    await using test = await TestPlane.start();
    const worker = workerOf(test, grantPool(test.home, 'lab', '2026-01-31T12:00:00.000Z'));
    assert.match(await worker.ended, /the token of pool lab expired on 2026-01-31/);
    worker.close();
  });

  it('takes no name from a worker of another pool', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), { retryFailed: false });
    const ours = test.worker({ workerId: 'gpu-1' });
    const { lease } = await ours.next('assign');
    const theirs = workerOf(test, grantPool(test.home, 'lab'), { workerId: 'gpu-1', running: [lease] });
    assert.match((await theirs.next('refused')).message, /gpu-1 belongs to a worker of another pool/);
    ours.say({ kind: 'renew', leases: [lease] });
    assert.deepEqual((await ours.next('renewed')).leases, [lease]);
    theirs.close();
  });
});

describe('tokens', () => {
  it('are in no log line and in no file but those that hold them for their owner', async () => {
    const log = new Log();
    await using test = await TestPlane.start({ logger: log.logger });
    const [person, pool] = [grantUser(test.home, 'anna', 'submit'), grantPool(test.home, 'lab')];
    const anna = clientOf(test, person);
    await anna.submit('a', trialsOf(2), { retryFailed: false });
    const worker = workerOf(test, pool, { workerId: 'far' });
    const { lease } = await worker.next('assign');
    const lines = [{ unixMs: 1, stream: 'stdout' as const, text: 'training' }];
    worker.report({ kind: 'log', lease, lines, dropped: 0 });
    await worker.acknowledged(worker.report({ kind: 'checkpoint', lease, step: 1, path: 'x' }));
    const stale = { ...lease, token: lease.token + 1n };
    await worker.acknowledged(worker.report({ kind: 'checkpoint', lease: stale, step: 2, path: 'y' }));
    for (const wrong of ['canary-canary-canary', `${person}x`]) {
      const stranger = clientOf(test, wrong);
      await assert.rejects(stranger.list());
      stranger.close();
    }
    worker.close();
    anna.close();
    const { clientToken, joinToken } = test.plane;
    const secrets = { person, pool, joinToken, clientToken, wrong: 'canary-canary', lease: String(lease.token) };
    const files = readdirSync(test.home, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
    assert.ok(files.length > 3 && log.text.length > 100);
    for (const [whose, secret] of Object.entries(secrets)) {
      assert.ok(!log.text.includes(secret), `${whose} is in the log`);
      for (const file of files) {
        // The attempt's own is what the journal tells it by; control.json is how its owner's commands speak here.
        if (whose === 'lease' || (whose === 'clientToken' && file.name === 'control.json')) continue;
        assert.ok(!readFileSync(join(file.parentPath, file.name)).includes(secret), `${whose} is in ${file.name}`);
      }
    }
  });
});

function clientOf(test: TestPlane, token: string): Client {
  return connectClient({ address: test.plane.address, token });
}

function workerOf(
  test: TestPlane,
  joinToken: string,
  hello: ConstructorParameters<typeof ScriptedWorker>[0]['hello'] = { workerId: 'far' },
): ScriptedWorker {
  return new ScriptedWorker({ address: test.plane.address, joinToken, hello });
}
