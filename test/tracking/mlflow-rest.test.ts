/** How a server may answer, by real servers of Node's. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Server } from 'node:net';
import { authPaths } from '../../orchestrator/auth/auth-folder.js';
import { SweepError } from '../../orchestrator/core/errors.js';
import { mlflowAddress } from '../../orchestrator/tracking/mlflow/address.js';
import { MlflowRefusal, mlflowRest } from '../../orchestrator/tracking/mlflow/rest.js';
import { certify } from '../support/certificates.js';
import { temporaryFolder } from '../support/dss.js';

const TOKEN = 'tok-5e3c';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly location?: string;
}

describe('talking to MLflow', () => {
  const home = temporaryFolder();
  let answer: Answer = { status: 200, text: '{}' };
  let asked = 0;
  const listen: http.RequestListener = (request, response) => {
    asked += 1;
    const { status, text, location } = answer;
    request.resume().on('end', () => response.writeHead(status, location === undefined ? {} : { location }).end(text));
  };
  const plain = http.createServer(listen);
  let secure: https.Server;

  before(async () => {
    await certify(home.path);
    const { server } = authPaths(home.path);
    secure = https.createServer({ cert: readFileSync(server.certificate), key: readFileSync(server.key) }, listen);
    for (const each of [plain, secure]) {
      each.listen(0, '127.0.0.1');
      await once(each, 'listening');
    }
  });
  after(() => {
    for (const each of [plain, secure]) {
      each.closeAllConnections();
      each.close();
    }
    home[Symbol.dispose]();
  });

  const get = async (url: string, env: Readonly<Record<string, string>> = {}) => {
    const rest = mlflowRest(mlflowAddress(url, { HOME: home.path, MLFLOW_TRACKING_TOKEN: TOKEN, ...env }));
    try {
      return await rest.get('runs/get', { run_id: 'r' });
    } finally {
      rest.close();
    }
  };
  const failure = async (url: string, wanted: Answer): Promise<SweepError> => {
    answer = wanted;
    const error = await get(url).then(
      () => assert.fail('it was content'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SweepError, String(error));
    assert.ok(!JSON.stringify([error.message, error.hint]).includes(TOKEN), error.message);
    return error;
  };
  const at = (server: Server, scheme: string) => {
    const address = server.address();
    assert.ok(address !== null && typeof address !== 'string');
    return `${scheme}://127.0.0.1:${address.port}`;
  };

  for (const [status, text, code, message] of [
    [401, 'no', 'AUTH_INVALID', /: runs\/get: 401$/],
    [403, '{"error_code":"PERMISSION_DENIED","message":"not you"}', 'AUTH_INVALID', /403 PERMISSION_DENIED: not you$/],
    [
      404,
      '{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no run r"}',
      'USAGE',
      /404 RESOURCE_DOES_NOT_EXIST: no run r$/,
    ],
    [404, '<html>', 'USAGE', /: runs\/get: 404$/],
    [200, '<html>', 'USAGE', /: runs\/get: 200$/],
    [429, '', 'UNAVAILABLE', /: runs\/get: 429$/],
    [503, '{"message":"busy"}', 'UNAVAILABLE', /: runs\/get: 503: busy$/],
    [400, `{"message":"bad Bearer ${TOKEN}"}`, 'USAGE', /bad Bearer \*\*\*$/],
  ] as const) {
    it(`calls ${status} ${text} ${code}`, async () => {
      const error = await failure(at(plain, 'http'), { status, text });
      assert.equal(error.code, code);
      assert.match(error.message, message);
    });
  }

  it('says of what is no MLflow server that it may be none', async () => {
    assert.equal((await failure(at(plain, 'http'), { status: 404, text: '<html>' })).hint, 'is that an MLflow server?');
  });

  it('does not take its token to where a server sends it', async () => {
    const before = asked;
    const location = `${at(plain, 'http')}/elsewhere?token=x`;
    const error = await failure(at(plain, 'http'), { status: 302, text: '', location });
    assert.equal(asked, before + 1);
    assert.ok(error instanceof MlflowRefusal);
    assert.equal(error.hint, `it sends elsewhere: let MLFLOW_TRACKING_URI name ${at(plain, 'http')}/elsewhere`);
  });

  it('checks certificates', async () => {
    const error = await failure(at(secure, 'https'), { status: 200, text: '{}' });
    assert.equal(error.code, 'UNAVAILABLE');
    assert.match(error.message, /certificate/);
    assert.deepEqual(
      await get(at(secure, 'https'), { MLFLOW_TRACKING_SERVER_CERT_PATH: authPaths(home.path).ca.certificate }),
      {},
    );
  });
});
