import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SweepError } from '../../orchestrator/core/errors.js';
import { mlflowAddress } from '../../orchestrator/tracking/mlflow/address.js';
import { temporaryFolder } from '../support/dss.js';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('the address of MLflow', () => {
  const home = temporaryFolder();
  after(() => home[Symbol.dispose]());
  const read = (uri: string, env: Readonly<Record<string, string>> = {}) =>
    mlflowAddress(uri, { HOME: home.path, ...env });

  it('is shown without who asks', () => {
    const { url, authorization } = read('https://ada:s%40cret@lab.example:5000/mlflow/');
    assert.deepEqual([url, authorization], ['https://lab.example:5000/mlflow', basic('ada:s@cret')]);
  });

  for (const [title, uri, env, authorization] of [
    ['nobody', 'http://h:1', {}, null],
    ['a token', 'http://h:1', { MLFLOW_TRACKING_TOKEN: 't' }, 'Bearer t'],
    ['a login', 'http://h:1', { MLFLOW_TRACKING_USERNAME: 'u', MLFLOW_TRACKING_PASSWORD: 'p' }, basic('u:p')],
    ['no login without a password', 'http://h:1', { MLFLOW_TRACKING_USERNAME: 'u' }, null],
    [
      'a login before a token',
      'http://h:1',
      { MLFLOW_TRACKING_TOKEN: 't', MLFLOW_TRACKING_USERNAME: 'u', MLFLOW_TRACKING_PASSWORD: 'p' },
      basic('u:p'),
    ],
    [
      'the login of the address first',
      'http://a:b@h:1',
      { MLFLOW_TRACKING_USERNAME: 'u', MLFLOW_TRACKING_PASSWORD: 'p' },
      basic('a:b'),
    ],
  ] as const) {
    it(`shows ${title}`, () => assert.equal(read(uri, env).authorization, authorization));
  }

  it('shows what the credentials file of MLflow has, last of all', () => {
    mkdirSync(join(home.path, '.mlflow'));
    const text =
      '[other]\nmlflow_tracking_username = x\n\n[mlflow]\nmlflow_tracking_username = file\nmlflow_tracking_password = p w\n';
    writeFileSync(join(home.path, '.mlflow', 'credentials'), text);
    assert.equal(read('http://h:1').authorization, basic('file:p w'));
    assert.equal(read('http://h:1', { MLFLOW_TRACKING_TOKEN: 't' }).authorization, 'Bearer t');
  });

  for (const [uri, message] of [
    ['mlruns', 'MLFLOW_TRACKING_URI: expected http(s)://HOST:PORT, got a folder'],
    ['file:///tmp/mlruns', 'MLFLOW_TRACKING_URI: expected http(s)://HOST:PORT, got a folder'],
    ['databricks', 'MLFLOW_TRACKING_URI: expected http(s)://HOST:PORT, got databricks'],
    ['databricks://profile', 'MLFLOW_TRACKING_URI: expected http(s)://HOST:PORT, got databricks'],
    ['postgresql://u:secret@h/db', 'MLFLOW_TRACKING_URI: expected http(s)://HOST:PORT, got postgresql:…'],
    ['http://u:secret@:99999', 'MLFLOW_TRACKING_URI: expected http(s)://HOST:PORT, got what is no address'],
  ] as const) {
    it(`is not ${uri}`, () => {
      assert.throws(
        () => read(uri),
        (error) =>
          error instanceof SweepError &&
          error.code === 'USAGE' &&
          error.message === message &&
          !error.hint.includes('secret'),
      );
    });
  }

  it('is not one whose certificate would not be checked', () => {
    assert.throws(
      () => read('https://h:1', { MLFLOW_TRACKING_INSECURE_TLS: 'true' }),
      /certificates are always checked here/,
    );
  });

  it('names a certificate that cannot be read', () => {
    assert.throws(
      () => read('https://h:1', { MLFLOW_TRACKING_SERVER_CERT_PATH: '/nowhere' }),
      /SERVER_CERT_PATH: ENOENT.*\/nowhere/,
    );
  });
});
