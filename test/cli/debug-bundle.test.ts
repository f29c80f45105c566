import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { redact, redactAll } from '../../orchestrator/cli/upkeep/redact.js';
import { runDss, temporaryFolder } from '../support/dss.js';
import { writeMethodsSweep } from '../support/methods-sweep.js';

const NAMES = { home: '/home/ada', user: 'ada', host: 'lab-7', state: '/srv/dss' };
const TOKEN = 'Zx3_9aB-cD4eF5gH6iJ7kL8mN9oP0qR1sT2uV3wX4yZ';

describe('redaction', () => {
  for (const secret of [
    `Bearer ${TOKEN}`,
    TOKEN,
    `"clientToken": "${TOKEN}"`,
    'HF_TOKEN=hf_AbCdEfGhIjKlMnOp',
    'password: hunter2hunter2',
    'https://ada:hunter2hunter2@hub.example/x',
    'https://x.example/a?sig=hunter2hunter2',
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOi.eyJzdWIiOi.SflKxwRJSM',
    '-----BEGIN PRIVATE KEY-----\nMIIhunter2hunter2\n-----END PRIVATE KEY-----',
    'https://hooks.slack.com/services/T0/B0/hunter2hunter2',
    'https://discord.com/api/webhooks/1/hunter2hunter2',
    'password = "with a space, hunter2hunter2"',
    "{'api_key': 'hunter2hunter2'}",
    '--token hunter2hunter2',
    'Cookie: sid=hunter2hunter2',
    'postgres://ada:hunter2hunter2@db/x',
  ]) {
    it(`takes out ${JSON.stringify(secret)}`, () => {
      const left = redact(`before ${secret} after`, NAMES);
      const core = /hunter2hunter2|hf_A\w+|AKIA\w+|eyJ[\w.]+|Zx3_[\w-]+/.exec(secret)?.[0] ?? '';
      assert.ok(core !== '' && !left.includes(core), left);
      assert.match(left, /^before /);
    });
  }

  it('looks into lines that are JSON, and leaves them JSON', () => {
    const line = JSON.stringify({
      msg: 'asked with api_key: "hunter2hunter2"',
      token: 'hunter2hunter2',
      nested: [{ password: 'hunter2 hunter2', kept: 7 }],
    });
    const text = JSON.stringify(redactAll({ log: [line, '{"torn: DSS_TOKEN=hunter2hunter2'] }, NAMES));
    assert.ok(!text.includes('hunter2'), text);
    const [whole = ''] = (JSON.parse(text) as { log: string[] }).log;
    assert.deepEqual(JSON.parse(whole), {
      msg: 'asked with api_key: <secret>',
      token: '<secret>',
      nested: [{ password: '<secret>', kept: 7 }],
    });
  });

  it('takes out who and where, and keeps what helps', () => {
    const text = '/home/ada/x and /srv/dss/dss.db on lab-7: trial 0123456789abcdef0123, NON_FINITE at step 12';
    assert.equal(
      redact(text, NAMES),
      '~/x and <state>/dss.db on <host>: trial 0123456789abcdef0123, NON_FINITE at step 12',
    );
    const digest = 'a'.repeat(64);
    assert.equal(redact(digest, NAMES), digest);
  });
});

describe('dss debug bundle', () => {
  it('writes versions, checks, states, causes and the log, for its owner alone, without secrets', async () => {
    using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    writeMethodsSweep(home);
    mkdirSync(join(home, 'logs'), { recursive: true });
    const lines = [{ msg: `joined with Bearer ${TOKEN}` }, { msg: 'x', password: 'hunter2' }];
    writeFileSync(join(home, 'logs', 'control-plane.log'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const file = join(folder.path, 'bundle.json');
    const env = { DSS_CANARY: 'canary-value', HF_TOKEN: 'hf_canarycanary' };
    const { code, stdout, stderr } = await runDss(['debug', 'bundle', file, '--home', home], { env });
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim(), file);
    const other = join(folder.path, 'other.json');
    const asJson = await runDss(['debug', 'bundle', other, '--json', '--home', home], { env });
    assert.deepEqual(JSON.parse(asJson.stdout), { file: other });
    const text = readFileSync(file, 'utf8');
    const bundle = JSON.parse(text) as {
      variables: string[];
      sweeps: { sweep: string; failures: unknown[] }[];
      checks: unknown[];
      log: string[];
    };
    assert.equal(bundle.sweeps[0]?.sweep, 'methods');
    assert.equal(bundle.sweeps[0]?.failures.length, 1);
    assert.ok(bundle.checks.length > 3);
    assert.equal(bundle.log.length, 2);
    assert.ok(bundle.variables.includes('DSS_CANARY'));
    for (const secret of [TOKEN, 'canary-value', 'hf_canarycanary', 'hunter2', home])
      assert.ok(!text.includes(secret), secret);
    assert.equal(statSync(file).mode & 0o077, 0);
    assert.equal((await runDss(['debug', 'bundle', file, '--home', home])).code, 2, 'it overwrote a file');
  });

  it('says what it can of a state folder that is absent', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'bundle.json');
    assert.equal((await runDss(['debug', 'bundle', file, '--home', join(folder.path, 'none')])).code, 0);
    assert.deepEqual((JSON.parse(readFileSync(file, 'utf8')) as { sweeps: unknown }).sweeps, []);
  });
});
