import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { authPaths } from '../../orchestrator/auth/auth-folder.js';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import { connectClient } from '../../orchestrator/control/client.js';
import { certify } from '../support/certificates.js';
import { type RunningDss, startDss, temporaryFolder } from '../support/dss.js';
import { ScriptedWorker } from '../support/scripted-worker.js';
import { failureOf, trialsOf } from '../support/trials.js';

const GRANTED = { createdAt: '2026-01-01T00:00:00.000Z', expiresAt: null };

function serve(home: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): RunningDss {
  return startDss(
    ['serve', '--home', home, '--listen', '127.0.0.1:0', '--log-level', 'info', '--grace', '1', ...words],
    { env },
  );
}

async function pageOf(dss: RunningDss): Promise<string> {
  const line = await dss.lineOnStderr((each) => each.startsWith('page:'));
  return line.replace(/^page:\s+/, '');
}

async function ended(dss: RunningDss) {
  process.kill(dss.pid, 'SIGTERM');
  return dss.finished;
}

/** By TLS, trusting our CA alone. */
function asked(url: string, ca: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { ca, headers, servername: 'localhost' }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

describe('dss serve with its page', () => {
  it('prints the address of the page, which answers until the end', async () => {
    using folder = temporaryFolder();
    const dss = serve(folder.path, ['--web-listen', '127.0.0.1:0']);
    const url = await pageOf(dss);
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.equal(await (await fetch(`${url}healthz`)).text(), 'lending\n');
    assert.equal((await ended(dss)).code, 143);
    await assert.rejects(fetch(`${url}healthz`));
  });

  it('has no page with `off`', async () => {
    using folder = temporaryFolder();
    const dss = serve(folder.path, ['--web-listen', 'off']);
    await dss.lineOnStderr((line) => line.startsWith('workers:'));
    const { stderr } = await ended(dss);
    assert.ok(!stderr.includes('page:'));
  });

  for (const place of ['0.0.0.0:0', '[::]:0']) {
    it(`refuses ${place} without certificates, and says how to make them`, async () => {
      using folder = temporaryFolder();
      const { code, stderr } = await serve(folder.path, ['--web-listen', place]).finished;
      assert.equal(code, 2);
      assert.match(stderr, /dss auth init/);
    });
  }

  it('asks for TLS and a token beyond this machine, to read too', async () => {
    using folder = temporaryFolder();
    await certify(folder.path);
    const token = new TokenStore(folder.path).grant({ kind: 'user', user: 'ada', role: 'read', ...GRANTED });
    const ca = readFileSync(authPaths(folder.path).ca.certificate);
    const dss = serve(folder.path, ['--web-listen', '0.0.0.0:0']);
    const { port } = new URL(await pageOf(dss));
    const url = `https://localhost:${port}/api/v1/sweeps`;
    assert.equal(await asked(url, ca), 401);
    assert.equal(await asked(`https://localhost:${port}/metrics`, ca), 401);
    assert.equal(await asked(url, ca, { authorization: `Bearer ${token}` }), 200);
    assert.equal(await asked(url, ca, { authorization: `Bearer ${token}`, host: 'evil.example' }), 421);
    await assert.rejects(fetch(url), 'it was trusted without the CA');
    await ended(dss);
  });

  it('lets no secret out: canaries in tokens, variables and files are in no answer, log, event or process list', async () => {
    using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    const [hook, webhookFile] = ['https://hooks.example/services/canary-webhook', join(folder.path, 'hook')];
    writeFileSync(webhookFile, `${hook}\n`);
    const granted = new TokenStore(home);
    const secrets = [
      'canary-webhook',
      'canary-hf-token',
      granted.grant({ kind: 'user', user: 'ada', role: 'submit', ...GRANTED }),
      granted.grant({ kind: 'pool', pool: 'lab', ...GRANTED }),
    ];
    const env = { HF_TOKEN: 'canary-hf-token', DSS_WEBHOOK_FILE: webhookFile, DSS_WEBHOOK_HOSTS: 'hooks.example' };
    const dss = serve(home, ['--web-listen', '127.0.0.1:0'], env);
    const url = await pageOf(dss);
    const { address, clientToken } = JSON.parse(readFileSync(join(home, 'control.json'), 'utf8')) as {
      address: string;
      clientToken: string;
    };
    secrets.push(clientToken);
    const client = connectClient({ address, token: clientToken });
    await client.submit('s', trialsOf(2), { retryFailed: false });
    const worker = new ScriptedWorker({ address, joinToken: secrets[3] ?? '' });
    const { lease } = await worker.next('assign');
    const said = [{ unixMs: 1, stream: 'stdout' as const, text: 'what training says' }];
    await worker.acknowledged(worker.report({ kind: 'log', lease, lines: said, dropped: 0 }));
    await worker.acknowledged(worker.report({ kind: 'failed', lease, failure: failureOf('user') }));
    const answers: string[] = [];
    const authorization = `Bearer ${secrets[2]}`;
    for (const path of [
      '',
      'api/v1/info',
      'api/v1/sweeps',
      'api/v1/sweeps/s/board',
      'api/v1/sweeps/s/trials',
      `api/v1/trials/${lease.trialId}`,
      `api/v1/trials/${lease.trialId}/log`,
      'api/v1/workers',
      'metrics',
      'nothing',
    ]) {
      answers.push(await (await fetch(url + path, { headers: { authorization } })).text());
    }
    answers.push(
      await (await fetch(`${url}api/v1/sweeps/s/pause`, { method: 'POST', headers: { authorization } })).text(),
    );
    answers.push(
      await (await fetch(`${url}api/v1/info`, { headers: { authorization: `Bearer ${secrets[3]}` } })).text(),
    );
    const processes = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => {
        try {
          return readFileSync(`/proc/${name}/cmdline`, 'utf8');
        } catch {
          return '';
        }
      });
    worker.close();
    client.close();
    const { stdout, stderr } = await ended(dss);
    const kept = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(
      (name) => statSync(join(home, name)).isFile() && name !== 'control.json',
    );
    const files = kept.map((name) => readFileSync(join(home, name), 'latin1'));
    assert.ok(kept.includes('logs/control-plane.log') && kept.some((name) => name.endsWith('.db')), kept.join());
    const carried = JSON.parse(readFileSync(join(home, 'logs', 'workers.log'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual([carried['trialId'], carried['attempt'], carried['msg']], [lease.trialId, 1, said[0]?.text]);
    for (const secret of secrets) {
      for (const [what, texts] of Object.entries({ answers, processes, output: [stdout, stderr], files })) {
        assert.ok(!texts.some((text) => text.includes(secret)), `${secret.slice(0, 16)} is in the ${what}`);
      }
    }
  });
});
