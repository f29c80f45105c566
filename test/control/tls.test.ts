import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { authPaths } from '../../orchestrator/auth/auth-folder.js';
import { connectClient } from '../../orchestrator/control/client.js';
import { SweepError } from '../../orchestrator/core/errors.js';
import { certify, clientTls, tlsVariables, type Wish } from '../support/certificates.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { Log } from '../support/log.js';
import { RealAgent } from '../support/real-agent.js';
import { ScriptedWorker } from '../support/scripted-worker.js';
import { trialsOf } from '../support/trials.js';

/** HOST:PORT of what is said by TLS, under the name that the certificate has. */
function addressOf(test: TestPlane): string {
  return test.plane.publicAddress ?? assert.fail('it is on this machine only');
}

async function failureOf(asked: Promise<unknown>): Promise<SweepError> {
  const reason = await asked.then(
    () => assert.fail('it was answered'),
    (error: unknown) => error,
  );
  return reason instanceof SweepError ? reason : assert.fail(String(reason));
}

describe('a control plane that other machines reach', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;
  beforeEach(() => {
    folder = temporaryFolder();
    home = folder.path;
  });
  afterEach(() => folder[Symbol.dispose]());

  const start = (options: Parameters<typeof TestPlane.start>[0] = {}) =>
    TestPlane.start({ home, alwaysTls: true, ...options });

  it('needs certificates, and says how they are made', async () => {
    const error = await failureOf(start());
    assert.equal(error.code, 'LISTEN_REFUSED');
    assert.match(error.hint, /dss auth init --host/);
  });

  it('runs trials of workers by TLS, and of this machine without', async () => {
    await certify(home);
    await using test = await start();
    const { clientToken: token, joinToken } = test.plane;
    const far = connectClient({ address: addressOf(test), token, tls: clientTls(home) });
    await far.submit('a', trialsOf(3), { retryFailed: false });
    const worker = new ScriptedWorker({ address: addressOf(test), joinToken, tls: clientTls(home) });
    const ran = worker.runAll();
    await test.watched('a');
    assert.deepEqual((await test.client.list())[0]?.counts, (await far.list())[0]?.counts);
    worker.close();
    far.close();
    assert.equal((await ran).length, 3);
  });

  it('never hears a token in the clear', async () => {
    const error = await failureOf((async () => connectClient({ address: '192.0.2.1:7333', token: 'secret' }))());
    assert.match(error.message, /192\.0\.2\.1:7333 is not this machine, and no CA is named/);
    assert.match(error.hint, /DSS_TLS_CA/);
  });

  it('does not speak a TLS older than 1.2', async () => {
    await certify(home);
    await using test = await start();
    const port = Number(addressOf(test).split(':')[1]);
    const { ca } = clientTls(home);
    const socket = connectTls({ host: '127.0.0.1', port, ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
    const error = await new Promise<Error>((resolve) => socket.on('error', resolve));
    assert.match(error.message, /protocol version|no protocols available/i);
  });

  const WRONG: readonly { what: string; wish: Wish; otherCa?: boolean; client: RegExp; next: RegExp; agent: RegExp }[] =
    [
      {
        what: 'has expired',
        wish: { from: -9, until: -1 },
        client: /its certificate has expired/,
        next: /dss auth init --renew/,
        agent: /its certificate has expired \(there: dss auth init --renew\)/,
      },
      {
        what: 'is not valid yet',
        wish: { from: 1, until: 9 },
        client: /its certificate is not valid yet/,
        next: /clock/,
        agent: /its certificate is not valid yet: this machine's clock/,
      },
      {
        what: 'is for other names',
        wish: { hosts: ['plane.example', '192.0.2.1'] },
        client: /its certificate is for other names/,
        next: /dss auth show/,
        agent: /its certificate is for other names \(`dss auth show`/,
      },
      {
        what: 'is of another CA',
        wish: {},
        otherCa: true,
        client: /its certificate is not of the CA that is named here/,
        next: /DSS_TLS_CA/,
        agent: /its certificate is not of the CA that DSS_TLS_CA names/,
      },
    ];
  for (const { what, wish, otherCa = false, client, next, agent } of WRONG) {
    it(`is not trusted when its certificate ${what}, and both sides say so`, async () => {
      await certify(home, wish);
      using other = temporaryFolder();
      if (otherCa) await certify(other.path);
      const trusted = otherCa ? other.path : home;
      await using test = await start();
      const far = connectClient({ address: addressOf(test), token: 'never sent', tls: clientTls(trusted) });
      const error = await failureOf(far.list());
      far.close();
      assert.equal(error.code, 'AUTH_INVALID');
      assert.match(error.message, client);
      assert.match(error.hint, next);
      const { joinToken } = test.plane;
      const worker = new RealAgent('far', { address: addressOf(test), joinToken }, [], tlsVariables(trusted));
      await worker.says(agent);
      worker.signal('SIGKILL');
      await worker.ended;
    });
  }

  it('says of its own port for this machine that no TLS is spoken there', async () => {
    await certify(home);
    await using test = await start();
    const far = connectClient({ address: test.plane.address, token: '', tls: clientTls(home) });
    assert.match((await failureOf(far.list())).message, /it does not speak TLS there/);
    far.close();
  });

  describe('with mutual TLS', () => {
    it('takes a worker by its certificate alone, a real one too', async () => {
      await certify(home);
      const log = new Log();
      await using test = await start({ mutualTls: true, logger: log.logger });
      const tls = clientTls(home, 'worker');
      const worker = new ScriptedWorker({ address: addressOf(test), joinToken: '', tls });
      await worker.next('welcome');
      worker.close();
      const agent = new RealAgent('far', { address: addressOf(test), joinToken: '' }, [], tlsVariables(home, 'worker'));
      await Promise.race([log.says(/"workerId":"far".*worker joined/), agent.ended]);
      agent.signal('SIGKILL');
      await agent.ended;
      assert.match(log.text, /"workerId":"far".*worker joined/);
    });

    it('takes no worker without one, whatever token it has; people and this machine need none', async () => {
      await certify(home);
      await using test = await start({ mutualTls: true });
      const { joinToken, clientToken: token, address } = test.plane;
      const worker = new ScriptedWorker({ address: addressOf(test), joinToken, tls: clientTls(home) });
      assert.match(await worker.ended, /a worker needs a certificate here: it sent none/);
      worker.close();
      const local = new ScriptedWorker({ address, joinToken });
      await local.next('welcome');
      local.close();
      const person = connectClient({ address: addressOf(test), token, tls: clientTls(home) });
      assert.deepEqual(await person.list(), []);
      person.close();
    });

    it('takes no wrong token besides a certificate', async () => {
      await certify(home);
      await using test = await start({ mutualTls: true });
      const tls = clientTls(home, 'worker');
      const worker = new ScriptedWorker({ address: addressOf(test), joinToken: 'guess', tls });
      assert.match(await worker.ended, /token is missing or wrong/);
      worker.close();
    });
  });

  for (const [what, isOfOurCa, why] of [
    ['an expired', true, /the worker's certificate is not taken: it has expired/],
    ["another CA's", false, /the worker's certificate is not taken: it is not of this control plane's CA/],
  ] as const) {
    it(`takes no worker with ${what} certificate, even with the right token`, async () => {
      await certify(home);
      await using test = await start();
      using other = temporaryFolder();
      if (isOfOurCa) cpSync(authPaths(home).folder, authPaths(other.path).folder, { recursive: true });
      await certify(other.path, isOfOurCa ? { from: -9, until: -1, renew: true } : {});
      const tls = { ca: clientTls(home).ca, identity: clientTls(other.path, 'worker').identity };
      const worker = new ScriptedWorker({ address: addressOf(test), joinToken: test.plane.joinToken, tls });
      assert.match(await worker.ended, why);
      worker.close();
    });
  }

  it('takes up new certificates while streams stay open, and none that do not fit', async () => {
    await certify(home);
    const log = new Log();
    await using test = await start({ logger: log.logger });
    const { joinToken } = test.plane;
    const worker = new ScriptedWorker({ address: addressOf(test), joinToken, tls: clientTls(home) });
    await worker.next('welcome');
    const before = await fingerprintAt(addressOf(test), clientTls(home).ca);
    await certify(home, { renew: true });
    await log.says(/another certificate/);
    const after = await fingerprintAt(addressOf(test), clientTls(home).ca);
    assert.notEqual(after, before);
    writeFileSync(authPaths(home).server.key, 'no key');
    await log.says(/the certificates changed and are not used/);
    assert.equal(await fingerprintAt(addressOf(test), clientTls(home).ca), after);
    await test.client.submit('a', trialsOf(1), { retryFailed: false });
    await worker.next('assign');
    worker.close();
  });
});

function fingerprintAt(address: string, ca: Buffer): Promise<string> {
  const port = Number(address.split(':')[1]);
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, ca, ALPNProtocols: ['h2'] }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
