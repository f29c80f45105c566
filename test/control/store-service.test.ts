import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import type { Role } from '../../orchestrator/core/roles.js';
import { storedPath, storePaths } from '../../orchestrator/store/store-paths.js';
import { storedFile } from '../support/bytes.js';
import { certify, clientTls } from '../support/certificates.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { Log } from '../support/log.js';
import { ScriptedWorker } from '../support/scripted-worker.js';
import { StoreCalls, type Visit } from '../support/store-calls.js';
import { trialIdOf, trialOf, trialsOf } from '../support/trials.js';

const MIB = 2 ** 20;
/** Several pieces, none of them like another. */
const WEIGHTS = Buffer.from(Array.from({ length: 5 * 2 ** 18 }, (_, index) => (index * 7919) >> 8).map((n) => n & 255));
const FILE = storedFile(WEIGHTS);
const TRIAL = trialIdOf(1);

describe('the store of a control plane', () => {
  let opened: StoreCalls[] = [];
  afterEach(() => {
    for (const calls of opened) calls.close();
    opened = [];
  });

  const visit = (test: TestPlane, as: Partial<Visit> = {}): StoreCalls => {
    const address = test.plane.storeAddress ?? assert.fail('there is no store');
    const calls = new StoreCalls({ address, token: test.plane.clientToken, ...as });
    opened.push(calls);
    return calls;
  };
  const asWorker = (test: TestPlane, workerId = 'scripted-1', token = test.plane.joinToken) =>
    visit(test, { token, workerId });
  const asPerson = (test: TestPlane, role: Role) =>
    visit(test, {
      token: new TokenStore(test.home).grant({
        kind: 'user',
        user: 'anna',
        role,
        createdAt: new Date(0).toISOString(),
        expiresAt: null,
      }),
    });

  /** A worker that holds the lease of the first trial. */
  const lent = async (test: TestPlane, workerId = 'scripted-1'): Promise<ScriptedWorker> => {
    await test.client.submit('a', trialsOf(1), { retryFailed: false });
    const worker = test.worker({ workerId });
    await worker.next('assign');
    return worker;
  };

  it('says where it is to workers and to people, and which folder it belongs to', async () => {
    await using test = await TestPlane.start();
    const { store } = await test.worker().next('welcome');
    const { home, homeId, storePort } = await test.client.info();
    assert.deepEqual(store, { home, homeId, port: storePort });
    assert.equal(test.plane.storeAddress, `127.0.0.1:${storePort}`);
    assert.match(homeId, /^[0-9a-f]{32}$/);
  });

  it('has a name for its folder that is the same in every life, and that no other folder has', async () => {
    using folder = temporaryFolder();
    const ids: string[] = [];
    for (let life = 0; life < 2; life += 1) {
      await using test = await TestPlane.start({ home: folder.path });
      ids.push((await test.client.info()).homeId);
    }
    await using other = await TestPlane.start();
    assert.equal(ids[0], ids[1]);
    assert.notEqual((await other.client.info()).homeId, ids[0]);
  });

  it('is not there when it is switched off, and workers and people are told', async () => {
    await using test = await TestPlane.start({ storeListenOn: null });
    assert.equal(test.plane.storeAddress, null);
    assert.equal((await test.worker().next('welcome')).store?.port, 0);
    assert.equal((await test.client.info()).storePort, 0);
  });

  for (const storeListenOn of ['0.0.0.0:0', 'example.org:80', ':0']) {
    it(`is refused at ${storeListenOn} beside a control plane of this machine only`, async () => {
      await assert.rejects(TestPlane.start({ storeListenOn }), { code: 'LISTEN_REFUSED' });
    });
  }

  it('gives what it was given, to whoever may read it', async () => {
    await using test = await TestPlane.start();
    const person = visit(test);
    assert.deepEqual(await person.missing('', [FILE]), [FILE.sha256]);
    await person.put('', WEIGHTS);
    assert.deepEqual(await person.missing('', [FILE]), []);
    await person.put('', WEIGHTS); // again, in vain
    assert.ok((await asWorker(test).get('', FILE.sha256)).equals(WEIGHTS));
  });

  it('gives a file of no bytes too', async () => {
    await using test = await TestPlane.start();
    const none = Buffer.alloc(0);
    await visit(test).put('', none);
    assert.equal((await visit(test).get('', storedFile(none).sha256)).length, 0);
  });

  it('goes on where a reader that was cut off asks it to', async () => {
    await using test = await TestPlane.start();
    await visit(test).put('', WEIGHTS);
    const worker = asWorker(test);
    const first = await worker.get('', FILE.sha256, 0, MIB);
    assert.ok(first.length >= MIB && first.length < WEIGHTS.length);
    const rest = await worker.get('', FILE.sha256, first.length);
    assert.ok(Buffer.concat([first, rest]).equals(WEIGHTS));
    assert.equal((await worker.get('', FILE.sha256, WEIGHTS.length)).length, 0);
    assert.equal((await worker.get('', FILE.sha256, 9 * WEIGHTS.length)).length, 0);
  });

  const damaged = Buffer.from(WEIGHTS);
  damaged[MIB] = (damaged[MIB] ?? 0) ^ 1;
  const WRONG: readonly [string, Buffer, RegExp][] = [
    ['damaged', damaged, /came, expected/],
    ['too short', WEIGHTS.subarray(1), /came, expected/],
    ['too long', Buffer.concat([WEIGHTS, WEIGHTS, WEIGHTS, WEIGHTS]), /more than \d+ bytes came/],
  ];
  for (const [what, bytes, message] of WRONG) {
    it(`keeps nothing of bytes that are ${what}`, async () => {
      await using test = await TestPlane.start();
      const person = visit(test);
      await assert.rejects(person.put('', bytes, FILE), { code: 'STORE_MISMATCH', message });
      assert.deepEqual(await person.missing('', [FILE]), [FILE.sha256]);
      await assert.rejects(person.get('', FILE.sha256), { code: 'STORE_MISSING' });
      await person.put('', WEIGHTS);
    });
  }

  it('keeps nothing of a sender that was cut off', async () => {
    await using test = await TestPlane.start();
    const person = visit(test);
    const value = { scope: '', sha256: FILE.sha256, sizeBytes: BigInt(FILE.sizeBytes) };
    const half = { $case: 'data', value: WEIGHTS.subarray(0, MIB) } as const;
    await assert.rejects(person.putParts([{ $case: 'header', value }, half], false));
    assert.deepEqual(await person.missing('', [FILE]), [FILE.sha256]);
    await person.put('', WEIGHTS);
  });

  it('takes one file from two at a time', async () => {
    await using test = await TestPlane.start();
    await Promise.all([visit(test).put('', WEIGHTS), visit(test).put('', WEIGHTS)]);
    assert.ok((await visit(test).get('', FILE.sha256)).equals(WEIGHTS));
    const folder = join(storePaths(test.home).files, FILE.sha256.slice(0, 2));
    assert.deepEqual(readdirSync(folder), [FILE.sha256]);
  });

  it('gives up a sender that announces a file and sends nothing of it', async () => {
    await using test = await TestPlane.start({ storeIdleMs: 50 });
    const silent = visit(test).putSlowly('', FILE);
    await assert.rejects(silent.answered, { code: 'UNAVAILABLE', message: /no byte of a file came for 0\.05 s/ });
    const chatty = visit(test).putSlowly('', FILE);
    const talking = setInterval(() => chatty.send(Buffer.alloc(0)), 5);
    await assert.rejects(chatty.answered, { code: 'UNAVAILABLE' }).finally(() => clearInterval(talking));
    await visit(test).put('', WEIGHTS);
  });

  it('says that there is no room, and what to do', async () => {
    const log = new Log();
    await using test = await TestPlane.start({ spareBytes: Number.MAX_SAFE_INTEGER, logger: log.logger });
    await assert.rejects(visit(test).put('', WEIGHTS), { code: 'STORE_FULL', hint: /dss doctor/ });
    assert.match(log.text, /a file was refused: .* free/);
  });

  const NONSENSE: readonly [string, (calls: StoreCalls) => Promise<unknown>, RegExp][] = [
    ['a digest that is none', (calls) => calls.get('', '../../journal.db'), /sha256/],
    ['a scope that is none', (calls) => calls.get('../auth', FILE.sha256), /scope/],
    [
      'bytes before their header',
      (calls) => calls.putParts([{ $case: 'data', value: WEIGHTS }]),
      /before their header/,
    ],
    ['nothing at all', (calls) => calls.putParts([]), /before their header/],
    [
      'two headers',
      (calls) => {
        const value = { scope: '', sha256: FILE.sha256, sizeBytes: BigInt(FILE.sizeBytes) };
        return calls.putParts([
          { $case: 'header', value },
          { $case: 'header', value },
        ]);
      },
      /something else than bytes/,
    ],
  ];
  for (const [what, ask, message] of NONSENSE) {
    it(`refuses ${what}`, async () => {
      await using test = await TestPlane.start();
      await assert.rejects(ask(visit(test)), message);
    });
  }

  it('reads what trials read where they say that it lies, as long as it is that', async () => {
    await using test = await TestPlane.start();
    using folder = temporaryFolder();
    const path = join(folder.path, 'model.safetensors');
    writeFileSync(path, WEIGHTS);
    const model = { directory: folder.path, files: [{ ...FILE, path: 'model.safetensors', role: 'weights' as const }] };
    assert.deepEqual(await visit(test).missing('', [FILE]), [FILE.sha256], 'nobody has named it');
    await test.client.submit('a', [{ ...trialOf(1), model }], { retryFailed: false });
    assert.deepEqual(await visit(test).missing('', [FILE]), []);
    assert.ok((await asWorker(test).get('', FILE.sha256)).equals(WEIGHTS));
    assert.throws(() => statSync(storedPath(test.home, '', FILE.sha256)), 'it was not copied');
    writeFileSync(path, damaged);
    assert.deepEqual(await visit(test).missing('', [FILE]), [FILE.sha256]);
    await assert.rejects(asWorker(test).get('', FILE.sha256), { code: 'STORE_MISSING' });
    truncateSync(path, 10);
    assert.deepEqual(await visit(test).missing('', [FILE]), [FILE.sha256]);
  });

  describe('lets', () => {
    it('nobody in without a token that is good', async () => {
      await using test = await TestPlane.start();
      await visit(test).put('', WEIGHTS);
      for (const token of ['', 'guess']) {
        const stranger = visit(test, { token, workerId: 'scripted-1' });
        await assert.rejects(stranger.missing('', [FILE]), { code: 'AUTH_INVALID' });
        await assert.rejects(stranger.get('', FILE.sha256), { code: 'AUTH_INVALID' });
        await assert.rejects(stranger.put('', WEIGHTS), { code: 'AUTH_INVALID' });
      }
    });

    it('people in who may submit, and none who may only look', async () => {
      await using test = await TestPlane.start();
      await assert.rejects(asPerson(test, 'read').put('', WEIGHTS), { code: 'NOT_ALLOWED' });
      await asPerson(test, 'submit').put('', WEIGHTS);
      await assert.rejects(asPerson(test, 'read').get('', FILE.sha256), { code: 'NOT_ALLOWED' });
      assert.ok((await asPerson(test, 'admin').get('', FILE.sha256)).equals(WEIGHTS));
    });

    it('no worker change what trials read', async () => {
      await using test = await TestPlane.start();
      await lent(test);
      await assert.rejects(asWorker(test).put('', WEIGHTS), { code: 'NOT_ALLOWED', hint: /whoever submits/ });
    });

    it('a worker write and read files of a trial that it holds, and nobody else', async () => {
      await using test = await TestPlane.start();
      await lent(test);
      const other = test.worker({ workerId: 'other' });
      await other.next('welcome');
      const holder = asWorker(test);
      await holder.put(TRIAL, WEIGHTS);
      assert.ok((await holder.get(TRIAL, FILE.sha256)).equals(WEIGHTS));
      for (const stranger of [asWorker(test, 'other'), asWorker(test, 'nobody'), asWorker(test, ''), visit(test)]) {
        await assert.rejects(stranger.missing(TRIAL, [FILE]), { code: 'NOT_ALLOWED', hint: /holds its lease/ });
        await assert.rejects(stranger.get(TRIAL, FILE.sha256), { code: 'NOT_ALLOWED' });
        await assert.rejects(stranger.put(TRIAL, WEIGHTS), { code: 'NOT_ALLOWED' });
      }
      await assert.rejects(holder.put(trialIdOf(2), WEIGHTS), { code: 'NOT_ALLOWED' });
    });

    it('no worker of another pool pass for the one that holds the trial', async () => {
      await using test = await TestPlane.start();
      await lent(test);
      const grant = { kind: 'pool', pool: 'lab', createdAt: new Date(0).toISOString(), expiresAt: null } as const;
      const token = new TokenStore(test.home).grant(grant);
      await assert.rejects(asWorker(test, 'scripted-1', token).put(TRIAL, WEIGHTS), { code: 'NOT_ALLOWED' });
    });

    it('a worker in no longer than its lease', async () => {
      await using test = await TestPlane.start();
      const worker = await lent(test);
      const holder = asWorker(test);
      await holder.put(TRIAL, WEIGHTS);
      await test.client.cancel('a');
      await worker.next('cancel');
      await assert.rejects(holder.get(TRIAL, FILE.sha256), { code: 'NOT_ALLOWED' });
      await assert.rejects(holder.put(TRIAL, WEIGHTS), { code: 'NOT_ALLOWED' });
    });

    it('nothing more of a worker whose lease ends while it sends', async () => {
      await using test = await TestPlane.start();
      const worker = await lent(test);
      const sending = asWorker(test).putSlowly(TRIAL, FILE);
      sending.send(WEIGHTS.subarray(0, MIB));
      const folder = join(storePaths(test.home).trials, TRIAL);
      while (!existsSync(folder) || readdirSync(folder).length === 0) await new Promise(setImmediate);
      await test.client.cancel('a');
      await worker.next('cancel');
      sending.send(WEIGHTS.subarray(MIB));
      await assert.rejects(sending.end(), { code: 'NOT_ALLOWED', hint: /holds its lease/ });
      assert.equal(existsSync(folder), false);
    });
  });

  describe('for other machines', () => {
    it('speaks TLS, and with mutual TLS wants a certificate of workers and none of people', async () => {
      using folder = temporaryFolder();
      await certify(folder.path);
      await using test = await TestPlane.start({ home: folder.path, alwaysTls: true, mutualTls: true });
      const address = test.plane.publicStoreAddress ?? assert.fail('others cannot reach it');
      assert.notEqual(address, test.plane.storeAddress);
      const { clientToken, joinToken } = test.plane;
      const far = (as: Partial<Visit>) => visit(test, { address, tls: clientTls(folder.path), ...as });
      await far({ token: clientToken }).put('', WEIGHTS);
      await assert.rejects(far({ token: joinToken }).get('', FILE.sha256), /needs a certificate/);
      const worker = far({ token: '', tls: clientTls(folder.path, 'worker') });
      assert.ok((await worker.get('', FILE.sha256)).equals(WEIGHTS));
      await assert.rejects(asWorker(test, 'x', 'guess').get('', FILE.sha256), { code: 'AUTH_INVALID' });
      assert.ok((await asWorker(test).get('', FILE.sha256)).equals(WEIGHTS), 'this machine needs none');
    });

    it('tells each of the port that is for them', async () => {
      using folder = temporaryFolder();
      await certify(folder.path);
      await using test = await TestPlane.start({ home: folder.path, listenOn: '0.0.0.0:0' });
      const portOf = (address: string | null) => Number(address?.split(':')[1]);
      const { publicAddress, joinToken, publicStoreAddress, storeAddress } = test.plane;
      assert.match(storeAddress ?? '', /^127\.0\.0\.1:/, 'without TLS it is on this machine only');
      const address = `127.0.0.1:${portOf(publicAddress)}`;
      const far = new ScriptedWorker({ address, joinToken, tls: clientTls(folder.path) });
      assert.equal((await far.next('welcome')).store?.port, portOf(publicStoreAddress));
      assert.equal((await test.worker().next('welcome')).store?.port, portOf(storeAddress));
      far.close();
    });
  });
});
