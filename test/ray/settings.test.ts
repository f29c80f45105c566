import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rayPoolsOf, raySettingsOf } from '../../orchestrator/core/sweep/places/ray-settings.js';
import { SpecError } from '../../orchestrator/core/sweep/spec-error.js';
import { parseSweepValue } from '../../orchestrator/core/sweep/sweep-spec.js';
import { connectionOf } from '../../orchestrator/launchers/ray/connection.js';
import { mustBeTested } from '../../orchestrator/launchers/ray/tested-versions.js';
import { sha256 } from '../../orchestrator/launchers/sha256.js';
import { temporaryFolder } from '../support/dss.js';

const GRID = { models: ['m'], datasets: ['cqa'] };

function issuesOf(ray: unknown, address: unknown = 'http://head:8265'): readonly string[] {
  try {
    parseSweepValue({ sweep: 'a', grid: GRID, run: { on: 'ray', address, ray } }, 'x.yaml');
  } catch (error) {
    assert.ok(error instanceof SpecError);
    return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe('run.ray of a sweep file', () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ cpu: 1 }, /run\.ray\.?.*cpu/],
    [{ cpus: 0 }, /run\.ray\.cpus: .*a number of CPUs from 0\.0001 to 1024/],
    [{ gpus: 1.5 }, /run\.ray\.gpus: .*a whole number of GPUs from 0 to 64, or a share of one/],
    [{ memory: '8GB' }, /run\.ray\.memory: .*such as 8GiB/],
    [{ resources: { fast: 0 } }, /run\.ray\.resources\.fast: .*a number above 0/],
    [{ adapter: 'rest' }, /run\.ray\.adapter: .*auto, jobs or client/],
    [{ advertise: 'laptop' }, /run\.ray\.advertise: .*HOST:PORT/],
    [{ max_workers: 0 }, /run\.ray\.max_workers: .*from 1 to 1024/],
    [{ python: 'a b' }, /run\.ray\.python/],
    ['head', /run\.ray: .*mapping/],
  ];
  for (const [ray, message] of wrong) {
    it(`is refused as ${JSON.stringify(ray)}, with the place and what was expected`, () => {
      const issues = issuesOf(ray);
      assert.equal(issues.length, 1, issues.join('\n'));
      assert.match(issues[0] ?? '', message);
    });
  }

  it('may be left out, and its address may be of the dashboard, of the client port, or a host', () => {
    for (const address of [
      'http://head:8265',
      'https://proxy/',
      'ray://head:10001',
      'ray://[::1]:1',
      'head',
      '10.0.0.1',
    ]) {
      assert.deepEqual(issuesOf(undefined, address), []);
    }
    for (const address of ['ftp://head', 'http://head:8265/path', 'head:8265:1', '', 'http://user@head']) {
      assert.equal(issuesOf(undefined, address).length, 1, address);
    }
  });

  it('gives a pool whose name changes with the kind of worker and not with how many there are', () => {
    const poolOf = (ray: object) => rayPoolsOf({ address: 'http://head:8265', ray }, sha256)[0];
    assert.match(poolOf({}) ?? '', /^ray\.[0-9a-f]{8}$/);
    assert.equal(poolOf({ max_workers: 3, min_workers: 1, idle_minutes: 9 }), poolOf({}));
    assert.notEqual(poolOf({ cpus: 2 }), poolOf({}));
    assert.notEqual(poolOf({ python: '/opt/python' }), poolOf({}));
  });
});

describe('where a Ray cluster is', () => {
  const at = (address: string, ray: object = {}) => {
    const { dashboard, client } = connectionOf(raySettingsOf({ address, ray }), { HOME: '/nowhere' });
    return [dashboard?.origin ?? null, client];
  };

  it("follows from the address, and from Ray's own ports where it says none", () => {
    assert.deepEqual(at('head'), ['http://head:8265', 'head:10001']);
    assert.deepEqual(at('http://head:99'), ['http://head:99', 'head:10001']);
    assert.deepEqual(at('ray://head:99'), ['http://head:8265', 'head:99']);
    assert.deepEqual(at('ray://head:99', { dashboard: 'https://proxy' }), ['https://proxy', 'head:99']);
    assert.deepEqual(at('head', { adapter: 'jobs' }), ['http://head:8265', null]);
    assert.deepEqual(at('head', { adapter: 'client' }), [null, 'head:10001']);
  });

  it('is shown the token that Ray itself would show', () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'token');
    writeFileSync(path, ' from-a-file \n');
    const tokenOf = (ray: object, env: NodeJS.ProcessEnv) =>
      connectionOf(raySettingsOf({ ray }), { HOME: '/nowhere', ...env }).token;
    assert.equal(tokenOf({}, {}), null);
    assert.equal(tokenOf({}, { RAY_AUTH_TOKEN: 'by-variable' }), 'by-variable');
    assert.equal(tokenOf({}, { RAY_AUTH_TOKEN_PATH: path }), 'from-a-file');
    assert.equal(tokenOf({ token_file: path }, { RAY_AUTH_TOKEN: 'by-variable' }), 'from-a-file');
    writeFileSync(path, 'two words');
    assert.throws(() => tokenOf({ token_file: path }, {}), { code: 'USAGE', message: /holds no token/ });
    assert.throws(() => tokenOf({ ca: `${path}.pem` }, {}), {
      code: 'USAGE',
      message: /run\.ray\.ca: .* cannot be read/,
    });
  });
});

describe('versions of Ray', () => {
  it('are spoken to when they were tried, and others when that is asked for', () => {
    mustBeTested('2.60.0', 'http://head', false);
    mustBeTested('3.0.0', 'http://head', true);
    assert.throws(() => mustBeTested('3.0.0', 'http://head', false), {
      kind: 'untested',
      message: /runs Ray 3\.0\.0; tested are /,
    });
  });
});
