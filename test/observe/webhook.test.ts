import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { authPaths } from '../../orchestrator/auth/auth-folder.js';
import { isPublicAddress } from '../../orchestrator/observe/public-address.js';
import { type SweepNews, tellOfSweeps } from '../../orchestrator/observe/sweep-news.js';
import { Webhook } from '../../orchestrator/observe/webhook.js';
import { certify } from '../support/certificates.js';
import { silent, TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { failureOf, trialsOf } from '../support/trials.js';

interface Hook {
  readonly url: string;
  readonly ca: Buffer;
  readonly heard: SweepNews[];
  close(): Promise<void>;
}

/** A real https server on this machine, which a real hook would refuse to reach. */
async function hookServer(
  home: string,
  answer: (heard: number) => readonly [number, Record<string, string>?] = () => [204],
): Promise<Hook> {
  await certify(home, { hosts: ['localhost'] });
  const { ca, server: pair } = authPaths(home);
  const heard: SweepNews[] = [];
  const server: Server = createServer(
    { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) },
    (request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      request.on('end', () => {
        heard.push(JSON.parse(text) as SweepNews);
        response.writeHead(...(answer(heard.length) as [number])).end();
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `https://localhost:${port}/hook/s3cret`,
    ca: readFileSync(ca.certificate),
    heard,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const NEWS: SweepNews = {
  event: 'sweep-ended',
  sweep: 's',
  total: 1,
  counts: { queued: 0, running: 0, succeeded: 1, failed: 0, cancelled: 0 },
};

describe('a webhook', () => {
  for (const [url, expected] of [
    ['http://hooks.example/x', /expected https, got http/],
    ['file:///etc/passwd', /expected https, got file/],
    ['gopher://hooks.example', /expected https/],
    ['hooks.example', /begins with https/],
    ['https://ada:pass@hooks.example/', /no name and password/],
    ['https://other.example/x', /other\.example is not in DSS_WEBHOOK_HOSTS/],
    ['https://hooks.example.evil/x', /is not in DSS_WEBHOOK_HOSTS/],
    ['https://hooks.example@evil/x', /no name and password/],
  ] as const) {
    it(`refuses ${url} before anything is sent`, () => {
      assert.throws(() => new Webhook({ url, hosts: ['hooks.example'] }), { code: 'USAGE', message: expected });
    });
  }

  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '10.0.0.1',
    '[fe80::1]',
    '[fd00::1]',
    '[64:ff9b::a9fe:a9fe]',
    '0.0.0.0',
    '[2002:7f00:1::]',
  ]) {
    it(`does not connect to ${host}, even if it is on the list`, async () => {
      const { hostname } = new URL(`https://${host}`);
      await assert.rejects(
        new Webhook({ url: `https://${host}/`, hosts: [hostname] }).send(NEWS),
        /ADDRESS_REFUSED|refused/,
      );
    });
  }

  it('does not connect where a name leads to this machine: the address counts, and not the name', async () => {
    using folder = temporaryFolder();
    const hook = await hookServer(folder.path);
    await assert.rejects(
      new Webhook({ url: hook.url, hosts: ['localhost'], ca: hook.ca }).send(NEWS),
      /ADDRESS_REFUSED/,
    );
    assert.deepEqual(hook.heard, []);
    await hook.close();
  });

  it('does not follow a redirect', async () => {
    using folder = temporaryFolder();
    const hook = await hookServer(folder.path, () => [302, { Location: 'https://localhost:1/' }]);
    const webhook = new Webhook({ url: hook.url, hosts: ['localhost'], ca: hook.ca, mayReach: () => true });
    await assert.rejects(webhook.send(NEWS), /it answered 302, and redirects are not followed/);
    assert.equal(hook.heard.length, 1);
    await hook.close();
  });

  it('trusts no certificate but one that the system or the caller vouches for', async () => {
    using folder = temporaryFolder();
    const hook = await hookServer(folder.path);
    await assert.rejects(
      new Webhook({ url: hook.url, hosts: ['localhost'], mayReach: () => true }).send(NEWS),
      /CERT|SELF_SIGNED|VERIFY/,
    );
    assert.deepEqual(hook.heard, []);
    await hook.close();
  });

  it('is told of the first failure of a sweep, and of its end, once each', async () => {
    using folder = temporaryFolder();
    const hook = await hookServer(folder.path, (heard) => [heard === 1 ? 500 : 204]);
    await using plane = await TestPlane.start();
    const webhook = new Webhook({ url: hook.url, hosts: ['localhost'], ca: hook.ca, mayReach: () => true });
    await plane.client.submit('s', trialsOf(2), { retryFailed: false });
    const sent: string[] = [];
    let stop = () => {};
    const told = new Promise<void>((resolve) => {
      const sender = {
        place: webhook.place,
        send: async (news: SweepNews) => {
          await webhook.send(news);
          sent.push(news.event);
          if (news.event === 'sweep-ended') resolve();
        },
      };
      stop = tellOfSweeps(plane.plane.view, sender, silent);
    });
    const worker = plane.worker();
    const { lease } = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'failed', lease, failure: failureOf('user') }));
    const second = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'failed', lease: second.lease, failure: failureOf('user') }));
    await told;
    stop();
    assert.ok(sent.length <= 2 && sent.includes('sweep-ended'));
    assert.deepEqual(hook.heard.at(-1)?.counts.failed, 2);
    assert.ok(!JSON.stringify(hook.heard).includes('s3cret'));
    await hook.close();
  });
});

describe('addresses that a notification may go to', () => {
  for (const address of ['1.1.1.1', '93.184.216.34', '2606:4700::1111']) {
    it(`are such as ${address}`, () => assert.ok(isPublicAddress(address)));
  }
  for (const address of [
    '',
    'localhost',
    '100.64.0.1',
    '192.168.1.1',
    '172.31.255.255',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fc00::1',
    'fe80::1',
    '::ffff:1.1.1.1',
    '2001:db8::1',
    'ff02::1',
  ]) {
    it(`are none such as ${JSON.stringify(address)}`, () => assert.ok(!isPublicAddress(address)));
  }
});
