import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import type { Role } from '../../orchestrator/core/roles.js';
import { trialIdOf, trialsOf } from '../support/trials.js';
import { TestWeb } from '../support/web-page.js';

const NOW = '2026-01-01T00:00:00.000Z';

function tokenOf(home: string, role: Role): string {
  return new TokenStore(home).grant({ kind: 'user', user: `a-${role}`, role, createdAt: NOW, expiresAt: null });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** With headers and verbs that `fetch` would not send. */
function send(
  web: TestWeb,
  path: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
  body = '',
): Promise<Answer> {
  const { hostname, port } = new URL(web.server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('the web server', () => {
  let web: TestWeb;
  let host: string;
  before(async () => {
    web = await TestWeb.start();
    host = new URL(web.server.url).host;
    await web.plane.client.submit('s', trialsOf(2), { retryFailed: false });
  });
  after(() => web[Symbol.asyncDispose]());
  const acting = () => ({ authorization: `Bearer ${tokenOf(web.plane.home, 'submit')}` });

  for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', '127.0.0.1:9', 'localhost:7380']) {
    it(`answers to the name ${name}, whatever the port: it may come through a tunnel`, async () => {
      assert.equal((await send(web, '/api/v1/info', { host: name })).status, 200);
    });
  }

  for (const name of [
    'evil.example',
    'evil.example:80',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    '127.0.0.1@evil',
    '2130706433',
    '[::ffff:127.0.0.1]',
  ]) {
    it(`refuses the Host ${JSON.stringify(name)}: the name may be somebody's who rebinds it`, async () => {
      const answer = await send(web, '/api/v1/info', { host: name });
      assert.ok(answer.status === 421 || answer.status === 400, `${answer.status}`);
      assert.ok(!answer.text.includes('version'));
    });
  }

  for (const lines of [
    'GET /api/v1/info HTTP/1.0',
    'GET /api/v1/info HTTP/1.1\r\nHost:',
    'GET http://evil.example/api/v1/info HTTP/1.1\r\nHost: evil.example',
  ]) {
    it(`refuses ${JSON.stringify(lines)}`, async () => {
      const { hostname, port } = new URL(web.server.url);
      const text = await new Promise<string>((resolve) => {
        let heard = '';
        const socket = connect(Number(port), hostname, () => socket.write(`${lines}\r\nConnection: close\r\n\r\n`));
        socket.on('data', (bytes) => {
          heard += bytes.toString();
        });
        socket.on('close', () => resolve(heard));
      });
      assert.ok(!text.includes(' 200 '), text);
    });
  }

  for (const [what, headers] of [
    ['another origin', { origin: 'https://evil.example' }],
    ['an opaque origin', { origin: 'null' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page of the same site', { 'sec-fetch-site': 'same-site' }],
    ['a form of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
  ] as const) {
    for (const method of ['GET', 'POST']) {
      it(`refuses ${method} from ${what}, with a good token`, async () => {
        const path = method === 'GET' ? '/api/v1/sweeps' : '/api/v1/sweeps/s/pause';
        const answer = await send(web, path, { host, ...acting(), ...headers }, method);
        assert.equal(answer.status, 403);
        assert.equal(web.plane.plane.view.journal.sweep('s')?.standing.state, 'active');
      });
    }
  }

  it('lets a link of another site open the page, and nothing of the API', async () => {
    const link = { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    assert.notEqual((await send(web, '/', link)).status, 403);
    assert.equal((await send(web, '/api/v1/sweeps', link)).status, 403);
  });

  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    it(`knows no ${method}`, async () => {
      assert.equal((await send(web, '/api/v1/sweeps/s/cancel', { host, ...acting() }, method)).status, 405);
    });
  }

  it('acts by POST alone: GET and HEAD of the same address change nothing', async () => {
    for (const method of ['GET', 'HEAD']) {
      assert.equal((await send(web, '/api/v1/sweeps/s/pause', { host, ...acting() }, method)).status, 404);
    }
    assert.equal(web.plane.plane.view.journal.sweep('s')?.standing.state, 'active');
  });

  it('refuses to act without a token, with a wrong one, and with one that may only read', async () => {
    const pause = (headers: Readonly<Record<string, string>>) =>
      send(web, '/api/v1/sweeps/s/pause', { host, ...headers }, 'POST');
    assert.equal((await pause({})).status, 403);
    assert.equal((await pause({ authorization: 'Bearer wrong' })).status, 401);
    assert.equal((await pause({ authorization: `Bearer ${tokenOf(web.plane.home, 'read')}` })).status, 403);
    assert.equal((await pause({ authorization: `Basic ${Buffer.from('a:b').toString('base64')}` })).status, 401);
    assert.equal((await pause({ cookie: 'token=1' })).status, 403);
    assert.equal(web.plane.plane.view.journal.sweep('s')?.standing.state, 'active');
  });

  it('takes no token of a worker for one of a person', async () => {
    const pool = new TokenStore(web.plane.home).grant({ kind: 'pool', pool: 'p', createdAt: NOW, expiresAt: null });
    for (const token of [pool, web.plane.plane.joinToken]) {
      const answer = await send(web, '/api/v1/sweeps/s/cancel', { host, authorization: `Bearer ${token}` }, 'POST');
      assert.equal(answer.status, 401);
    }
  });

  it('pauses, resumes, retries and cancels for whoever may', async () => {
    await web.plane.client.submit('acted', trialsOf(2, 11), { retryFailed: false });
    const headers = { host, ...acting(), origin: `http://${host}` };
    const state = () => web.plane.plane.view.journal.sweep('acted')?.standing.state;
    assert.equal((await send(web, '/api/v1/sweeps/acted/pause', headers, 'POST')).status, 200);
    assert.equal(state(), 'paused');
    assert.equal((await send(web, '/api/v1/sweeps/acted/resume', headers, 'POST')).status, 200);
    assert.equal(state(), 'active');
    const cancelled = await send(web, '/api/v1/sweeps/acted/cancel', headers, 'POST');
    assert.deepEqual(JSON.parse(cancelled.text), { action: 'cancel', trials: 2 });
    assert.equal((await send(web, '/api/v1/sweeps/acted/retry', headers, 'POST')).status, 200);
  });

  for (const path of [
    '/../../etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/api/v1/sweeps/..%2f..%2fauth',
    '/api/v1/sweeps/%2e%2e',
    '/api/v1/sweeps/s%00',
    '/api/v1/sweeps/CON',
    '/api/v1/trials/..%2f..%2f..%2fetc%2fpasswd/log',
    '/api/v1/trials/0000000000000000000g/log',
    `/api/v1/trials/${'0'.repeat(21)}`,
    '/api/v1/trials/..%5c..%5cetc/curves',
    '//etc/passwd',
    '/index.html/../../package.json',
  ]) {
    it(`serves no file for ${path}`, async () => {
      const { status, text } = await send(web, path, { host });
      assert.ok(status >= 400 && status < 500, `${status}`);
      assert.ok(!/root:|BEGIN|"name"/.test(text));
    });
  }

  for (const query of [
    'limit=0',
    'limit=00',
    'limit=-1',
    'limit=1e9',
    'limit=99999',
    'from=x',
    'state=%3Cscript%3E',
    'state=a%0ab',
  ]) {
    it(`refuses ?${query} with the parameter's name`, async () => {
      const answer = await send(web, `/api/v1/sweeps/s/trials?${query}`, { host });
      assert.equal(answer.status, 400);
      assert.match(answer.text, new RegExp(query.split('=')[0] ?? ''));
    });
  }

  it('refuses to give no trials and no lines: whoever pages by that would never come to an end', async () => {
    const limit = await send(web, '/api/v1/sweeps/s/trials?limit=0', { host });
    const expected = 'the number of trials to give (1 or more; 1000 at most are given)';
    assert.equal(JSON.parse(limit.text).error.message, `limit: expected ${expected}, got "0"`);
    const lines = await send(web, `/api/v1/trials/${trialIdOf(1)}/log?lines=0`, { host });
    assert.equal(lines.status, 400);
    assert.match(lines.text, /lines: expected/);
  });

  it('takes no body, no long address and no large headers', async () => {
    assert.equal(
      (await send(web, '/api/v1/sweeps/s/pause', { host, 'content-length': '5' }, 'POST', 'hello')).status,
      413,
    );
    assert.equal((await send(web, `/api/v1/sweeps?${'a'.repeat(3_000)}`, { host })).status, 414);
    assert.equal(
      (await send(web, '/', { host, 'x-large': 'a'.repeat(20_000) }).catch(() => ({ status: 431 }))).status,
      431,
    );
  });

  it('sends the same strict headers with every answer, refusals too', async () => {
    for (const path of ['/', '/api/v1/sweeps', '/api/v1/sweeps/none', '/none', '/metrics']) {
      const { headers } = await send(web, path, { host });
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/, path);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.ok(!policy.includes('unsafe'));
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  });

  for (const [what, lines] of [
    ['two lengths', ['POST /api/v1/sweeps/s/pause HTTP/1.1', 'Host: HOST', 'Content-Length: 0', 'Content-Length: 40']],
    ['a length and chunks', ['POST / HTTP/1.1', 'Host: HOST', 'Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['chunks by another name', ['POST / HTTP/1.1', 'Host: HOST', 'Transfer-Encoding: xchunked']],
    ['two hosts', ['GET /api/v1/info HTTP/1.1', 'Host: HOST', 'Host: evil.example']],
    ['a folded header', ['GET /api/v1/info HTTP/1.1', 'Host: HOST', 'X: a', ' Host: evil.example']],
    ['a space before the colon', ['GET /api/v1/info HTTP/1.1', 'Host : HOST']],
    ['a verb in a header', ['GET /api/v1/sweeps/s/pause HTTP/1.1', 'Host: HOST', 'X-HTTP-Method-Override: POST']],
    ['an upgrade', ['GET /api/v1/sweeps/s/pause HTTP/1.1', 'Host: HOST', 'Connection: Upgrade', 'Upgrade: websocket']],
    ['a line feed in the address', ['GET /api/v1/sweeps/s%0d%0aSet-Cookie:x=1 HTTP/1.1', 'Host: HOST']],
    ['a path encoded twice', ['GET /%252e%252e/%252e%252e/etc/passwd HTTP/1.1', 'Host: HOST']],
    ['a tunnel', ['CONNECT evil.example:443 HTTP/1.1', 'Host: HOST']],
  ] as const) {
    it(`takes no request with ${what}, and nothing that rides behind it`, async () => {
      const { hostname, port } = new URL(web.server.url);
      const behind = `POST /api/v1/sweeps/s/pause HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${acting().authorization}\r\n\r\n`;
      const heard = await new Promise<string>((resolve) => {
        let text = '';
        const socket = connect(Number(port), hostname, () => {
          socket.write(`${lines.join('\r\n').replaceAll('HOST', host)}\r\nConnection: close\r\n\r\n${behind}`);
        });
        socket.on('data', (bytes) => {
          text += bytes.toString('latin1');
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
      });
      assert.ok(!/^HTTP\/1\.1 [23]/m.test(heard), heard);
      assert.ok(!/^set-cookie/im.test(heard));
      assert.equal(web.plane.plane.view.journal.sweep('s')?.standing.state, 'active');
    });
  }

  it('drops a connection that says no HTTP, and goes on', async () => {
    const { hostname, port } = new URL(web.server.url);
    for (const bytes of [
      '\x16\x03\x01\x02\x00',
      'GET / HTTP/9\r\n\r\n',
      `${'A'.repeat(70_000)}\r\n`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), hostname, () => socket.write(bytes));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
      });
    }
    assert.equal((await send(web, '/api/v1/info', { host })).status, 200);
  });
});

describe('limits of the web server', () => {
  it('answer a flood with 429 until some time has passed', async () => {
    let nowMs = 0;
    await using web = await TestWeb.start({ nowMs: () => nowMs });
    const statuses = async (requests: number) => {
      const answers: number[] = [];
      for (let each = 0; each < requests; each += 1) answers.push((await web.ask('/healthz')).status);
      return answers;
    };
    assert.deepEqual(new Set(await statuses(200)), new Set([200]));
    assert.deepEqual(await statuses(2), [429, 429]);
    nowMs = 20;
    assert.deepEqual(await statuses(2), [200, 429]);
  });

  it('take no more tokens for a while from whoever guesses, right ones neither', async () => {
    let nowMs = 0;
    await using web = await TestWeb.start({ nowMs: () => nowMs });
    const status = async (token: string) =>
      (await web.ask('/api/v1/info', { headers: { authorization: `Bearer ${token}` } })).status;
    for (let each = 0; each < 10; each += 1) assert.equal(await status(`guess-${each}`), 401);
    const right = tokenOf(web.plane.home, 'read');
    assert.equal(await status(right), 429);
    nowMs = 30_000;
    assert.equal(await status(right), 200);
  });

  it('keep event streams few, and count none that has ended, whoever ended it', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(1), { retryFailed: false });
    const ended = new AbortController();
    const open = (id = '') =>
      web.ask('/api/v1/sweeps/s/events', { signal: ended.signal, headers: { 'Last-Event-ID': id } });
    for (let each = 0; each < 20; each += 1) {
      const reset = await open('of-another-life');
      assert.equal(reset.status, 200, `the ${each + 1}th that ends at once`);
      await reset.text();
    }
    const streams = await Promise.all(Array.from({ length: 20 }, () => open()));
    assert.deepEqual([...new Set(streams.map(({ status }) => status))].sort(), [200, 429]);
    assert.equal(streams.filter(({ status }) => status === 200).length, 16);
    ended.abort();
  });

  it('let few large answers lie ready for readers that take nothing, and those of others through', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(20_000), { retryFailed: false });
    const { hostname, port, host } = new URL(web.server.url);
    const heads = Array.from({ length: 12 }, () => {
      const socket = connect(Number(port), hostname);
      socket.write(`GET /api/v1/sweeps/s/board HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      return new Promise<string>((resolve) => {
        socket.once('data', (bytes) => {
          socket.pause(); // and takes no more
          resolve(bytes.toString('latin1').split('\r\n')[0] ?? '');
        });
      }).then((head) => ({ head, socket }));
    });
    const answers = await Promise.all(heads);
    const lines = answers.map(({ head }) => head).sort();
    assert.equal(lines.filter((line) => line === 'HTTP/1.1 200 OK').length, 8, lines.join('\n'));
    assert.equal(lines.filter((line) => line.startsWith('HTTP/1.1 429')).length, 4);
    assert.equal((await web.ask('/api/v1/sweeps/s')).status, 200);
    for (const { socket } of answers) socket.destroy();
    while ((await web.ask('/api/v1/sweeps/s/board')).status === 429);
  });

  for (const place of ['0.0.0.0:0', '[::]:0', 'lab.example:7380']) {
    it(`refuse ${place} without TLS`, async () => {
      await assert.rejects(TestWeb.start({ listenOn: place }), {
        code: 'LISTEN_REFUSED',
        message: /only 127\.0\.0\.1 is safe without TLS/,
      });
    });
  }

  for (const place of ['', '7380', 'localhost', '127.0.0.1:99999', 'http://127.0.0.1:1', '127.0.0.1:1;rm']) {
    it(`refuse ${JSON.stringify(place)}, which is no HOST:PORT`, async () => {
      await assert.rejects(TestWeb.start({ listenOn: place }), {
        code: 'LISTEN_REFUSED',
        message: /expected HOST:PORT/,
      });
    });
  }
});
