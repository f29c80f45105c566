import assert from 'node:assert/strict';
import { failureOf, resultOf, trialsOf } from '../support/trials.js';
import { TestWeb } from '../support/web-page.js';

async function valuesOf(web: TestWeb): Promise<ReadonlyMap<string, number>> {
  const text = await (await web.ask('/metrics')).text();
  const lines = text.split('\n').filter((line) => line.startsWith('dss_'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

describe('metrics', () => {
  it('count attempts by how they ended, trials by state, workers and their slots', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('s', trialsOf(4), { retryFailed: false });
    const worker = web.plane.worker({ slots: 2 });
    const [first, second] = [await worker.next('assign'), await worker.next('assign')];
    worker.report({ kind: 'failed', lease: first.lease, failure: failureOf('user', 'NON_FINITE') });
    await worker.acknowledged(
      worker.report({ kind: 'finished', lease: second.lease, result: { ...resultOf(0.5), seconds: 42 } }),
    );
    const values = await valuesOf(web);
    const has = (name: string, value: number) => assert.equal(values.get(name), value, name);
    has('dss_build_info{version="1.2.3"}', 1);
    has('dss_lending', 1);
    has('dss_attempts_total{outcome="succeeded"}', 1);
    has('dss_attempts_total{outcome="failed"}', 1);
    has('dss_attempt_failures_total{code="NON_FINITE"}', 1);
    has('dss_sweep_trials{sweep="s",state="succeeded"}', 1);
    has('dss_sweep_trials{sweep="s",state="failed"}', 1);
    has('dss_workers{state="busy"}', 1);
    has('dss_workers{state="gone"}', 0);
    has('dss_worker_slots', 2);
    has('dss_trial_duration_seconds_bucket{le="15"}', 0);
    has('dss_trial_duration_seconds_bucket{le="60"}', 1);
    has('dss_trial_duration_seconds_sum', 42);
  });

  it("say how busy each worker's devices are and how full, and leave out what nobody knows", async () => {
    let nowMs = 0;
    await using web = await TestWeb.start({ nowMs: () => (nowMs += 1_000) }); // asked again and again
    const device = { kind: 'cuda', name: 'a GPU', memoryBytes: 0, threads: 0 } as const;
    const worker = web.plane.worker({ workerId: 'gpus', devices: [device, device] });
    await web.plane.client.submit('s', trialsOf(1), { retryFailed: false });
    const { lease } = await worker.next('assign');
    const known = { utilization: 0.75, memoryUsedBytes: 2 ** 30, memoryTotalBytes: 2 ** 33 };
    const unknown = { utilization: null, memoryUsedBytes: 0, memoryTotalBytes: 0 };
    const heard = () => worker.acknowledged(worker.report({ kind: 'log', lease, lines: [], dropped: 0 }));
    worker.say({ kind: 'load', load: { devices: [known], warm: 7 } }); // it has two: nothing of it is believed
    await heard();
    assert.equal((await valuesOf(web)).get('dss_worker_warm_processes'), 0);
    worker.say({ kind: 'load', load: { devices: [known, unknown], warm: 1 } });
    await heard();
    let values = await valuesOf(web);
    assert.equal(values.get('dss_worker_warm_processes'), 1);
    const of = (name: string) => [...values].filter(([key]) => key.startsWith(`${name}{`));
    assert.deepEqual(of('dss_device_utilization_ratio'), [
      ['dss_device_utilization_ratio{worker="gpus",device="0"}', 0.75],
    ]);
    assert.deepEqual(
      [...of('dss_device_memory_used_bytes'), ...of('dss_device_memory_bytes')].map(([, value]) => value),
      [2 ** 30, 2 ** 33],
    );
    worker.cut();
    while (of('dss_device_utilization_ratio').length > 0) values = await valuesOf(web);
  });

  it('keep labels few, whatever codes workers send and however many sweeps there are', async () => {
    await using web = await TestWeb.start();
    await web.plane.client.submit('many', trialsOf(70), { retryFailed: false });
    const worker = web.plane.worker();
    for (let each = 0; each < 70; each += 1) {
      const { lease } = await worker.next('assign');
      await worker.acknowledged(worker.report({ kind: 'failed', lease, failure: failureOf('user', `CODE_${each}`) }));
    }
    for (let each = 0; each < 55; each += 1) {
      await web.plane.client.submit(`sweep-${each}`, trialsOf(1, 1_000 + each), { retryFailed: false });
    }
    const names = [...(await valuesOf(web)).keys()];
    assert.ok(names.includes('dss_attempt_failures_total{code="other"}'));
    assert.ok(names.filter((name) => name.startsWith('dss_attempt_failures_total')).length <= 51);
    assert.ok(names.includes('dss_sweep_trials{sweep="(others)",state="queued"}'));
    assert.ok(names.filter((name) => name.startsWith('dss_sweep_trials')).length <= 51 * 5);
  });
});
