import assert from 'node:assert/strict';
import { pino } from 'pino';
import { pythonPath } from '../../../orchestrator/cli/python.js';
import { type RaySettings, raySettingsOf } from '../../../orchestrator/core/sweep/places/ray-settings.js';
import { connectCluster, connectEachWay } from '../../../orchestrator/launchers/ray/connect.js';
import { createRayLauncher } from '../../../orchestrator/launchers/ray/ray-launcher.js';
import { ToldLauncher } from '../../launchers/told-launcher.js';
import { silent } from '../../support/control-planes.js';
import { temporaryFolder } from '../../support/dss.js';
import { ALLOWED } from '../support/ray-environment.js';
import { type RayHead, TOKEN } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';
import { ADAPTERS, settingsOf, sharedHead } from './shared-head.js';

describe('a Ray cluster at first contact', () => {
  let head: RayHead;

  before(async () => {
    head = await sharedHead();
  });

  afterEach(() => {
    process.env['RAY_AUTH_TOKEN'] = TOKEN;
  });

  const connect = (settings: RaySettings) => connectCluster(settings, silent);

  for (const adapter of ADAPTERS) {
    for (const [what, token] of [
      ['a wrong token', 'wrong'.repeat(10)],
      ['none', ''],
    ] as const) {
      it(`refuses ${what} by ${adapter}, and it is said where one comes from`, async () => {
        process.env['RAY_AUTH_TOKEN'] = token;
        const refused = connect(raySettingsOf(settingsOf(head, adapter)));
        await assert.rejects(refused, { kind: 'refused', message: /token/, hint: /RAY_AUTH_TOKEN/ });
      });
    }

    it(`says by ${adapter} that it does not reach the control plane, before a worker is started`, async () => {
      using folder = temporaryFolder();
      const launcher = createRayLauncher({ logger: silent, pythonPath: pythonPath(), keepsWorkers: true, connect });
      const told = new ToldLauncher(launcher, folder.path, { address: '127.0.0.1:9' });
      await told.want(settingsOf(head, adapter), 1);
      const [notice] = told.notices.values();
      assert.match(notice?.message ?? '', /control plane at 127\.0\.0\.1:9 is not reached: Connection refused/);
      assert.match(notice?.hint ?? '', /advertise/);
      await told.launcher.close();
      assert.equal(workersOf(head).size, 0);
    });
  }

  it('is spoken to by its dashboard where that answers, else by the client protocol, and it is said which', async () => {
    const said: string[] = [];
    const logger = pino({ base: null }, { write: (line: string) => said.push(line) });
    const both = { address: `ray://${head.client}`, ray: { dashboard: head.dashboard, ...ALLOWED } };
    const jobs = await connectCluster(raySettingsOf(both), logger);
    assert.equal(jobs.adapter, 'jobs');
    assert.match(said.join(''), /the dashboard answers, so workers are jobs/);
    const without = { address: `ray://${head.client}`, ray: { dashboard: 'http://127.0.0.1:9', ...ALLOWED } };
    const client = await connectCluster(raySettingsOf(without), logger);
    assert.equal(client.adapter, 'client');
    assert.match(said.join(''), /no dashboard, so workers are actors/);
    await client.close();
  });

  it('is spoken to each way where all that was left on it has to be found', async () => {
    const both = { address: `ray://${head.client}`, ray: { dashboard: head.dashboard, ...ALLOWED } };
    const clusters = await connectEachWay(raySettingsOf(both), silent);
    assert.deepEqual(
      clusters.map(({ adapter }) => adapter),
      ['jobs', 'client'],
    );
    await Promise.all(clusters.map((cluster) => cluster.close()));
  });
});
