import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { authPaths } from '../../orchestrator/auth/auth-folder.js';
import { factsOf, readClientTls, readServerTls } from '../../orchestrator/auth/tls-files.js';
import { certify, DAY_MS } from '../support/certificates.js';
import { temporaryFolder } from '../support/dss.js';

describe('certificates of a state folder', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;
  beforeEach(() => {
    folder = temporaryFolder();
    home = folder.path;
  });
  afterEach(() => folder[Symbol.dispose]());
  const read = (path: string) => new X509Certificate(readFileSync(path));

  it('are of a CA of its own, for a server under its names and for workers', async () => {
    await certify(home, { hosts: ['plane.example', '10.0.0.5', '::1'], until: 30 });
    const { ca, server, worker } = authPaths(home);
    const [authority, ours, theirs] = [read(ca.certificate), read(server.certificate), read(worker.certificate)];
    assert.deepEqual([authority.ca, ours.ca, theirs.ca], [true, false, false]);
    for (const each of [ours, theirs]) assert.ok(each.checkIssued(authority) && each.verify(authority.publicKey));
    assert.ok(ours.checkHost('plane.example') && ours.checkIP('10.0.0.5') && ours.checkIP('::1'));
    assert.equal(ours.checkHost('other.example'), undefined);
    assert.deepEqual([ours.keyUsage, theirs.keyUsage], [['1.3.6.1.5.5.7.3.1'], ['1.3.6.1.5.5.7.3.2']]);
    const left = Date.parse(ours.validTo) - Date.now();
    assert.ok(left > 29.9 * DAY_MS && left <= 30 * DAY_MS);
  });

  it('are for the eyes of their owner only', async () => {
    await certify(home);
    const { folder: auth, ca, server, worker } = authPaths(home);
    assert.equal(statSync(auth).mode & 0o777, 0o700);
    for (const { key } of [ca, server, worker]) assert.equal(statSync(key).mode & 0o777, 0o600);
  });

  it('are never overwritten, and renewed of the same CA for the same names', async () => {
    await certify(home, { hosts: ['plane.example', '10.0.0.5'] });
    const { ca, server } = authPaths(home);
    const before = [readFileSync(ca.certificate, 'utf8'), readFileSync(server.certificate, 'utf8')];
    await assert.rejects(certify(home), { code: 'AUTH_INVALID', message: /has certificates already/ });
    assert.deepEqual([readFileSync(ca.certificate, 'utf8'), readFileSync(server.certificate, 'utf8')], before);
    await certify(home, { renew: true, hosts: [], until: 60 });
    assert.equal(readFileSync(ca.certificate, 'utf8'), before[0]);
    assert.notEqual(readFileSync(server.certificate, 'utf8'), before[1]);
    assert.ok(read(server.certificate).verify(read(ca.certificate).publicKey));
    assert.deepEqual(factsOf(server.certificate).hosts, ['plane.example', '10.0.0.5']);
    await certify(home, { renew: true, hosts: ['other.example'] });
    assert.deepEqual(factsOf(server.certificate).hosts, ['other.example']);
  });

  for (const host of ['https://plane.example', 'plane.example:7333', 'a b', '-x', 'x'.repeat(64), '']) {
    it(`are not made for "${host.slice(0, 30)}", and nothing is left behind`, async () => {
      await assert.rejects(certify(home, { hosts: [host] }), { code: 'USAGE', message: /neither a host name nor/ });
      await certify(home);
    });
  }

  it('are not made for no name, nor renewed where there are none', async () => {
    await assert.rejects(certify(home, { hosts: [] }), { code: 'USAGE', message: '--host is missing' });
    await assert.rejects(certify(home, { renew: true }), { message: /has no certificates to renew/ });
  });

  it('are read by those who have them, and whoever has wrong files is told which', async () => {
    await certify(home);
    const { ca, server, worker } = authPaths(home);
    assert.ok(readServerTls(home).key.length > 0);
    assert.equal(readClientTls(ca.certificate, null).identity, null);
    const wrong: readonly (readonly [() => unknown, string])[] = [
      [() => readClientTls('/nowhere/ca.pem', null), '/nowhere/ca.pem cannot be read'],
      [() => readClientTls(ca.key, null), `${ca.key} holds no certificate`],
      [
        () => readClientTls(ca.certificate, { ...worker, key: worker.certificate }),
        `${worker.certificate} holds no private key`,
      ],
      [
        () => readClientTls(ca.certificate, { ...worker, key: server.key }),
        `${server.key} is not the key of ${worker.certificate}`,
      ],
    ];
    for (const [reading, message] of wrong) {
      assert.throws(reading, (error: Error & { code?: string }) => {
        return error.code === 'AUTH_INVALID' && error.message.startsWith(message);
      });
    }
    writeFileSync(server.key, '');
    assert.throws(() => readServerTls(home), { code: 'AUTH_INVALID' });
  });
});
