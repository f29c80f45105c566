/** Prometheus itself scrapes a real sweep, and answers the queries of the dashboard. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';
import { skip } from '../support/skip.js';
import { failureOf, resultOf, trialsOf } from '../support/trials.js';
import { until } from '../support/until.js';
import { TestWeb } from '../support/web-page.js';

const hasPrometheus = () => spawnSync('promtool', ['--version']).error === undefined;
const NONE = 'there is no promtool here (Debian: apt-get install prometheus)';

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

const dashboard = () => JSON.parse(readFileSync(join(REPOSITORY, 'k8s/grafana-dashboard.json'), 'utf8')) as Dashboard;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

describe('Prometheus', () => {
  before(function () {
    if (!hasPrometheus()) skip(this, NONE);
  });

  it('finds nothing to say against names, types and help', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(2), { retryFailed: false });
    const text = await (await web.ask('/metrics')).text();
    const own = text
      .split('\n')
      .filter((line) => /^(# (HELP|TYPE) )?dss_/.test(line))
      .join('\n');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: `${own}\n`,
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${stdout}${stderr}`);
    assert.equal(`${stdout}${stderr}`, '');
  });

  it('scrapes a sweep and answers every query of the dashboard', async () => {
    await using web = await TestWeb.start();
    using folder = temporaryFolder();
    await web.plane.client.submit('s', trialsOf(3), { retryFailed: false });
    const worker = web.plane.worker();
    const load = { utilization: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2 };
    worker.say({ kind: 'load', load: { devices: [load], warm: 1 } });
    const first = await worker.next('assign');
    await worker.acknowledged(
      worker.report({ kind: 'failed', lease: first.lease, failure: failureOf('user', 'NON_FINITE') }),
    );
    const second = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'finished', lease: second.lease, result: resultOf(0.5) }));
    const config = join(folder.path, 'prometheus.yml');
    const target = new URL(web.server.url).host;
    writeFileSync(
      config,
      `global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: dss\n  static_configs: [{targets: ['${target}']}]\n`,
    );
    const port = await freePort();
    const server = spawn(
      'prometheus',
      [`--config.file=${config}`, `--storage.tsdb.path=${folder.path}/data`, `--web.listen-address=127.0.0.1:${port}`],
      { stdio: 'ignore' },
    );
    try {
      const query = async (
        expr: string,
      ): Promise<readonly { metric: Record<string, string>; value: [number, string] }[]> => {
        const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`);
        const answer = (await response.json()) as { status: string; error?: string; data: { result: [] } };
        assert.equal(answer.status, 'success', `${expr}: ${answer.error}`);
        return answer.data.result;
      };
      await until(async () => (await query('up{job="dss"} == 1').catch(() => [])).length > 0);
      const states = await query('dss_sweep_trials{sweep="s"} > 0');
      assert.deepEqual(Object.fromEntries(states.map(({ metric, value }) => [metric['state'], value[1]])), {
        succeeded: '1',
        failed: '1',
        running: '1',
      });
      assert.equal((await query('dss_attempt_failures_total{code="NON_FINITE"}'))[0]?.value[1], '1');
      for (const { title, targets = [] } of dashboard().panels) {
        for (const { expr } of targets) {
          const plain = expr.replaceAll('$__rate_interval', '1m').replaceAll('$sweep', '.*');
          await query(plain).catch((reason: unknown) => assert.fail(`${title}: ${reason}`));
          const [name] = /(?:dss|process|nodejs)_\w+/.exec(expr) ?? [];
          const base = (name ?? '').replace(/_bucket$/, '');
          assert.ok((await query(`{__name__=~"${base}(_bucket)?"}`)).length > 0, `${title}: nothing is called ${name}`);
        }
      }
    } finally {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.on('close', resolve));
    }
  });
});
