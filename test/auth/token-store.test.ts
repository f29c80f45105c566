import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authPaths } from '../../orchestrator/auth/auth-folder.js';
import { type Grant, TokenStore } from '../../orchestrator/auth/token-store.js';
import { temporaryFolder } from '../support/dss.js';

const ANNA: Grant = {
  kind: 'user',
  user: 'anna',
  role: 'submit',
  createdAt: '2026-11-01T00:00:00.000Z',
  expiresAt: null,
};
const LAB: Grant = {
  kind: 'pool',
  pool: 'lab',
  createdAt: '2026-11-02T00:00:00.000Z',
  expiresAt: '2027-01-01T00:00:00.000Z',
};

describe('granted tokens', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: TokenStore;
  beforeEach(() => {
    folder = temporaryFolder();
    store = new TokenStore(folder.path);
  });
  afterEach(() => folder[Symbol.dispose]());

  it('are good for what they were granted for, for another process too, until they are revoked', () => {
    const [anna, lab] = [store.grant(ANNA), store.grant(LAB)];
    assert.notEqual(anna, lab);
    assert.match(anna, /^[\w-]{43}$/);
    const elsewhere = new TokenStore(folder.path);
    assert.deepEqual([elsewhere.look(anna), elsewhere.look(lab)], [ANNA, LAB]);
    const [first, second] = elsewhere.list();
    assert.deepEqual(
      [first, second],
      [
        { ...ANNA, id: first?.id },
        { ...LAB, id: second?.id },
      ],
    );
    assert.deepEqual(elsewhere.revoke('user', first?.id ?? ''), first);
    assert.deepEqual([store.look(anna), store.look(lab)], [null, LAB]);
  });

  it('are none where none was granted', () => {
    assert.deepEqual(
      [store.list(), store.look(''), store.look('../../control'), store.look('x')],
      [[], null, null, null],
    );
  });

  it('are kept as hashes, for the eyes of their owner only', () => {
    const token = store.grant(ANNA);
    const { folder: auth, tokens } = authPaths(folder.path);
    const [file = '', ...others] = readdirSync(tokens);
    assert.deepEqual(others, []);
    assert.ok(!`${file}${readFileSync(join(tokens, file), 'utf8')}`.includes(token));
    assert.equal(statSync(join(tokens, file)).mode & 0o777, 0o600);
    for (const each of [auth, tokens]) assert.equal(statSync(each).mode & 0o777, 0o700);
  });

  for (const name of ['', 'Anna', '../x', 'a\nb', 'x'.repeat(41), '-a']) {
    it(`are not granted to ${JSON.stringify(name.slice(0, 20))}`, () => {
      assert.throws(() => store.grant({ ...ANNA, user: name }), { code: 'USAGE', message: /is no name of a user/ });
      assert.throws(() => store.grant({ ...LAB, pool: name }), { code: 'USAGE', message: /is no name of a pool/ });
    });
  }

  it('are revoked by their whole id and their kind, and by nothing else', () => {
    store.grant(ANNA);
    const id = store.list()[0]?.id ?? '';
    for (const [kind, wrong] of [
      ['user', id.slice(0, -1)],
      ['user', ''],
      ['pool', id],
    ] as const) {
      assert.throws(() => store.revoke(kind, wrong), { code: 'USAGE', message: /there is no token/ });
    }
    assert.equal(store.list().length, 1);
  });

  it('say which file is damaged, rather than be good for anything', () => {
    const token = store.grant(ANNA);
    const { tokens } = authPaths(folder.path);
    const path = join(tokens, readdirSync(tokens)[0] ?? '');
    for (const text of ['', '{}', JSON.stringify({ ...ANNA, role: 'owner' }), JSON.stringify({ ...ANNA, more: 1 })]) {
      writeFileSync(path, text);
      assert.throws(() => store.look(token), {
        code: 'AUTH_INVALID',
        message: `${path} does not say what its token is good for`,
      });
    }
  });
});
