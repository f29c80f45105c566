import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import { connectClient } from '../../orchestrator/control/client.js';
import { clientTls } from '../support/certificates.js';
import { runDss, startDss, temporaryFolder } from '../support/dss.js';

describe('dss auth', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;
  beforeEach(() => {
    folder = temporaryFolder();
    home = join(folder.path, 'home');
  });
  afterEach(() => folder[Symbol.dispose]());
  const auth = (...words: string[]) => runDss(['auth', ...words, '--home', home]);

  it('makes certificates once, shows them, and renews them', async () => {
    const made = await auth('init', '--host', 'plane.example, 10.0.0.5', '--days', '30');
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^certificates for plane\.example, 10\.0\.0\.5, good until \d{4}-\d\d-\d\d\n$/);
    const again = await auth('init', '--host', 'plane.example');
    assert.deepEqual([again.code, again.stdout], [2, '']);
    assert.match(again.stderr, /has certificates already\n {2}--renew makes new ones/);
    const shown = await auth('show');
    assert.match(shown.stdout, /server\.pem\n {2}names {4}plane\.example, 10\.0\.0\.5\n {2}valid .*, 29 days left\n/);
    const before = JSON.parse((await auth('show', '--json')).stdout) as { fingerprint: string }[];
    assert.equal((await auth('init', '--renew')).code, 0);
    const after = JSON.parse((await auth('show', '--json')).stdout) as { fingerprint: string; hosts: string[] }[];
    assert.equal(after[0]?.fingerprint, before[0]?.fingerprint);
    assert.notEqual(after[1]?.fingerprint, before[1]?.fingerprint);
    assert.deepEqual(after[1]?.hosts, ['plane.example', '10.0.0.5']);
  });

  it('prints a token once and alone on stdout, lists what it is good for, and revokes it', async () => {
    const made = await auth('token', 'create', '--user', 'anna', '--role', 'submit', '--days', '3');
    assert.match(made.stdout, /^[\w-]{43}\n$/);
    assert.match(made.stderr, /cannot be shown again.*only anna can read.*DSS_TOKEN_FILE/);
    const token = made.stdout.trim();
    assert.equal(new TokenStore(home).look(token)?.kind, 'user');
    const pool = await auth('pool', 'create', 'lab');
    assert.match(pool.stderr, /DSS_JOIN_TOKEN_FILE/);
    const listed = await auth('token', 'list', '--json');
    const [anna, ...others] = JSON.parse(listed.stdout) as { id: string; user: string; role: string }[];
    assert.deepEqual([anna?.user, anna?.role, others], ['anna', 'submit', []]);
    for (const kind of ['token', 'pool']) {
      const { stdout, stderr } = await auth(kind, 'list');
      assert.match(stdout, kind === 'token' ? /anna +submit/ : /lab +join +.* never/);
      for (const secret of [token, pool.stdout.trim()]) assert.ok(!`${stdout}${stderr}`.includes(secret));
    }
    assert.match((await auth('token', 'revoke', anna?.id ?? '')).stdout, /^revoked \w{12} of anna/);
    assert.equal(new TokenStore(home).look(token), null);
    assert.equal(new TokenStore(home).look(pool.stdout.trim())?.kind, 'pool');
  });

  it('answers scripts with one document, whatever it makes or takes back', async () => {
    const document = async (...words: string[]) => {
      const { code, stdout, stderr } = await auth(...words, '--json');
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const [, server] = await document('init', '--host', 'plane.example');
    assert.deepEqual(server.hosts, ['plane.example']);
    assert.deepEqual(await document('init', '--host', 'plane.example', '--keep'), await document('show'));
    const { token, user, role, expiresAt } = await document('token', 'create', '--user', 'anna', '--role', 'read');
    assert.deepEqual([user, role, expiresAt], ['anna', 'read', null]);
    assert.equal(new TokenStore(home).look(token)?.kind, 'user');
    const [{ id }] = await document('token', 'list');
    assert.equal((await document('token', 'revoke', id)).revoked.user, 'anna');
    assert.equal((await document('pool', 'create', 'lab')).pool, 'lab');
  });

  const MISTAKES: readonly (readonly [readonly string[], RegExp])[] = [
    [['init'], /--host is missing\n {2}dss auth init --host NAME/],
    [['init', '--host', 'http://x'], /--host "http:\/\/x" is neither a host name nor an IP address/],
    [['init', '--host', 'x', '--days', '0'], /--days is 0, expected a whole number from 1 to 3650/],
    [['init', '--renew'], /has no certificates to renew/],
    [['show'], /there are no certificates in .*auth\n {2}dss auth init --host NAME/],
    [['token', 'create', '--user', 'anna', '--role', 'owner'], /role/],
    [['token', 'create', '--user', '../anna', '--role', 'read'], /"\.\.\/anna" is no name of a user/],
    [['token', 'create', '--role', 'read'], /user/],
    [['token', 'revoke', 'abc'], /there is no token "abc" of a user\n {2}`dss auth token list`/],
    [['pool', 'create', 'Lab'], /"Lab" is no name of a pool/],
  ];
  for (const [words, message] of MISTAKES) {
    it(`${words.join(' ')} is a mistake that is named, and changes nothing`, async () => {
      const { code, stdout, stderr } = await auth(...words);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, message);
      assert.throws(() => readdirSync(join(home, 'auth')), { code: 'ENOENT' });
    });
  }

  it('lets `dss serve` listen for other machines, which it refused before', async () => {
    const words = ['serve', '--home', home, '--listen', '0.0.0.0:0', '--grace', '1'];
    const refused = await runDss(words);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /listening on "0\.0\.0\.0:0" is refused.*\n {2}`dss auth init --host NAME`/);
    await auth('init', '--host', '127.0.0.1');
    const granted = await auth('token', 'create', '--user', 'anna', '--role', 'read');
    const serving = startDss([...words, '--log-level', 'info']);
    const line = await serving.lineOnStderr((each) => each.includes('control plane started'));
    const { publicAddress } = JSON.parse(line) as { publicAddress: string };
    const address = publicAddress.replace('0.0.0.0', '127.0.0.1');
    const anna = connectClient({ address, token: granted.stdout.trim(), tls: clientTls(home) });
    assert.deepEqual(await anna.list(), []);
    await assert.rejects(anna.stop(), {
      code: 'NOT_ALLOWED',
      message: /Stop needs role admin; the token of anna has read/,
    });
    anna.close();
    process.kill(serving.pid, 'SIGTERM');
    const { stdout, stderr } = await serving.finished;
    assert.match(stdout, new RegExp(`^serving .* at ${publicAddress}\n$`));
    const joinToken = readFileSync(join(home, 'join-token'), 'utf8').trim();
    for (const secret of [joinToken, granted.stdout.trim()]) assert.ok(!`${stdout}${stderr}`.includes(secret));
  });
});
