import assert from 'node:assert/strict';
import { LOCAL, type Place } from '../../orchestrator/core/sweep/place.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { TestPlane } from '../support/control-planes.js';
import { ScriptedLauncher } from '../support/scripted-launcher.js';
import { ScriptedWorker } from '../support/scripted-worker.js';
import { failureOf, resultOf, trialIdOf, trialsOf } from '../support/trials.js';

const CLUSTER: Place = { on: 'kubernetes', pools: ['kubernetes.one', 'kubernetes.two'], settings: {} };

const at = (place: Place) => ({ retryFailed: false, options: { ...DEFAULT_SWEEP_OPTIONS, place } });

describe('a sweep of another place', () => {
  let launcher: ScriptedLauncher;
  let test: TestPlane;
  const joined: ScriptedWorker[] = [];

  beforeEach(async () => {
    launcher = new ScriptedLauncher({ place: 'kubernetes' });
    test = await TestPlane.start({ launchers: [launcher] });
  });

  afterEach(async () => {
    for (const worker of joined.splice(0)) worker.close();
    await test[Symbol.asyncDispose]();
  });

  const worker = async (pool: string, workerId: string) => {
    const { address, joinToken } = test.plane;
    const token = pool === '' ? joinToken : (launcher.context?.grantPool(pool) ?? '');
    const worker = new ScriptedWorker({ address, joinToken: token, hello: { workerId, prefetch: 0 } });
    joined.push(worker);
    await worker.next('welcome');
    return worker;
  };
  const mustHaveNothing = async (worker: ScriptedWorker) => {
    worker.say({ kind: 'renew', leases: [] });
    await worker.next('renewed');
    assert.ok(!worker.unread.some(({ kind }) => kind === 'assign'));
  };

  it('is run by workers of its pools and by no others, and what is local by all others alone', async () => {
    const [one, two, other, here] = [
      await worker('kubernetes.one', 'k-1'),
      await worker('kubernetes.two', 'k-2'),
      await worker('kubernetes.other', 'k-3'),
      await worker('', 'here'),
    ];
    await test.client.submit('there', trialsOf(3), at(CLUSTER));
    const lent = [await one.next('assign'), await two.next('assign')].map(({ lease }) => lease.trialId);
    assert.deepEqual(lent.sort(), [trialIdOf(1), trialIdOf(2)]);
    await mustHaveNothing(other);
    await mustHaveNothing(here);
    await test.client.submit('here', trialsOf(3, 11), at(LOCAL));
    assert.equal((await here.next('assign')).lease.trialId, trialIdOf(11));
    await mustHaveNothing(other);
  });

  it('is run by the seats of its pools, which have tokens of their own', async () => {
    const seats = [await worker('kubernetes.one-0', 'k-1'), await worker('kubernetes.one-12', 'k-2')];
    await test.client.submit('there', trialsOf(2), at(CLUSTER));
    const lent = await Promise.all(seats.map((seat) => seat.next('assign')));
    assert.deepEqual(lent.map(({ lease }) => lease.trialId).sort(), [trialIdOf(1), trialIdOf(2)]);
  });

  it('is told to its launcher as long as it wants something, with what its widest trial needs', async () => {
    const [wide, ...small] = trialsOf(3);
    assert.ok(wide !== undefined);
    const gang = { ...wide, run: { ...wide.run, devices: 2, machines: 3, minMachines: 3 } };
    await test.client.submit('there', [gang, ...small], at(CLUSTER));
    await test.client.submit('here', trialsOf(2, 11), at(LOCAL));
    const needs = [
      { devices: 2, machines: 3, trials: 1 },
      { devices: 1, machines: 1, trials: 2 },
    ];
    const demand = { sweep: 'there', place: CLUSTER, waiting: 3, running: 0, devices: 2, machines: 3, needs };
    assert.deepEqual(await launcher.told((each) => each.length > 0), [demand]);
    const k = await worker('kubernetes.one', 'k-1');
    const { lease } = await k.next('assign');
    const [running] = await launcher.told(([each]) => each?.running === 1);
    assert.deepEqual(running, { ...demand, waiting: 2, running: 1 });
    await k.acknowledged(k.report({ kind: 'finished', lease, result: resultOf(1) }));
    const next = (await k.next('assign')).lease;
    await launcher.told(([each]) => each?.waiting === 1);
    // Nobody waits for the wide one any more, and what runs goes on.
    await test.client.pause('there');
    const [rest] = await launcher.told(([each]) => each?.waiting === 0);
    assert.deepEqual([rest?.running, rest?.needs], [1, undefined]);
    await k.acknowledged(k.report({ kind: 'failed', lease: next, failure: failureOf('user') }));
    await launcher.told((each) => each.length === 0);
  });

  it('gets a worker back that was taken away, at no cost to the trial', async () => {
    await test.client.submit('there', trialsOf(1), at(CLUSTER));
    for (let times = 1; times <= 12; times += 1) {
      const taken = await worker('kubernetes.one', `k-${times}`);
      assert.equal((await taken.next('assign')).lease.attempt, times);
      launcher.context?.onExit(`k-${times}`, failureOf('preempted', 'WORKER_PREEMPTED'));
      taken.cut();
    }
    const last = await worker('kubernetes.two', 'last');
    const { lease } = await last.next('assign');
    assert.equal(lease.attempt, 13);
    await last.acknowledged(last.report({ kind: 'finished', lease, result: resultOf(1) }));
  });
});
