/** `dss watch` on a real terminal: what a person sees, at every width. */
import assert from 'node:assert/strict';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import { TestPlane } from '../support/control-planes.js';
import { gridTrials } from '../support/grid-trials.js';
import type { ScriptedWorker } from '../support/scripted-worker.js';
import { type TerminalOptions, TestTerminal } from '../support/terminal.js';
import { failureOf, resultOf } from '../support/trials.js';

/** Longer than any test, on any machine: these workers renew nothing. */
const LEASE_MS = 3_600_000;

describe('dss watch on a terminal', () => {
  let plane: TestPlane;
  let worker: ScriptedWorker;
  let lease: LeaseRef;

  beforeEach(async () => {
    plane = await TestPlane.start({ serves: true, leaseMs: LEASE_MS, renewEveryMs: LEASE_MS });
    const models = ['org/a-model-whose-name-is-rather-long', 'org/small'];
    await plane.client.submit('s', gridTrials({ models, sizes: [1], seeds: 2 }), { retryFailed: false });
    worker = plane.worker({ workerId: 'gpu-1' });
    ({ lease } = await worker.next('assign'));
    progress(40);
  });

  afterEach(() => plane[Symbol.asyncDispose]());

  function progress(step: number): void {
    const at = { step, loss: 0.8125, examplesPerSecond: 31.4, phase: 'train' };
    worker.say({ kind: 'progress', lease, progress: at });
  }

  async function finish(accuracy: number): Promise<void> {
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(accuracy) }));
    ({ lease } = await worker.next('assign'));
  }

  const watch = (options: TerminalOptions, ...more: readonly string[]) =>
    new TestTerminal(['watch', 's', '--home', plane.home, ...more], options);
  const has = (text: string) => (lines: readonly string[]) => lines.some((line) => line.includes(text));

  it('shows how far the sweep is and what each worker does', async () => {
    await using terminal = watch({ columns: 120 });
    const lines = await terminal.shows(has('40/100'));
    assert.match(lines[0] ?? '', /^░{16} 0\/8 done · 1 running · 7 left · /);
    assert.equal(
      lines[1],
      '██████░░░░░░░░░░ gpu-1 40/100 a-model-whose-name-is-rather-long cqa gt standard seed 0 · loss 0.8125 · 31 examples/s',
    );
    assert.ok(terminal.screen.isCursorHidden);
  });

  it('tells of what ends above that, whole and once, and leaves nothing of what stood there before', async () => {
    await using terminal = watch({ columns: 120 });
    await terminal.shows(has('40/100'));
    await finish(0.75);
    const failure = { ...failureOf('user', 'NON_FINITE'), message: 'short' };
    await worker.acknowledged(worker.report({ kind: 'failed', lease, failure }));
    const lines = await terminal.shows(has('1/8 done · 1 running · 1 failed'));
    assert.match(lines[0] ?? '', /^\[1\/8\] done {3}[0-9a-f]{8} .* seed 0: 75\.00 % in 10\.0 s$/);
    assert.match(lines[1] ?? '', /^\[2\/8\] failed [0-9a-f]{8} .* seed 0: NON_FINITE: short$/);
    assert.match(lines[2] ?? '', /^█{4}░{12} 1\/8 done/);
    assert.equal(lines.length, 4);
  });

  it('says that a trial is starting until its worker has told how far it is', async () => {
    await using terminal = watch({ columns: 120 });
    await terminal.shows(has('40/100'));
    await finish(0.5);
    const lines = await terminal.shows(has(' 0/100'));
    assert.match(lines.find((line) => line.includes(' 0/100')) ?? '', /task_prefix seed 0 · starting$/);
    progress(1);
    await terminal.shows(has(' 1/100 a-model-whose-name-is-rather-long cqa gt task_prefix seed 0 · loss 0.8125'));
  });

  for (const columns of [40, 20, 8]) {
    it(`fits ${columns} columns: no line of it is broken, and what is left out is marked`, async () => {
      await using terminal = watch({ columns });
      const lines = await terminal.shows((all) => /…$/.test(all[1] ?? ''));
      assert.equal(lines.length, 2);
      assert.ok(lines.every((line) => [...line].length < columns));
      assert.match(lines[0] ?? '', columns < 30 ? /^0\/8 do/ : /^░{6} 0\/8 done · /);
    });
  }

  it('follows a window that is made narrower and wider, and leaves no torn lines behind', async () => {
    await using terminal = watch({ columns: 120 });
    await terminal.shows(has('31 examples/s'));
    await finish(0.5);
    await terminal.shows(has('1/8 done'));
    terminal.resize(50);
    const isWhole = (lines: readonly string[]) => lines.filter((line) => /[█░]/.test(line)).length === 2;
    progress(70);
    await terminal.shows((lines) => has('70/100')(lines) && isWhole(lines));
    terminal.resize(140);
    progress(90);
    const lines = await terminal.shows(
      (all) => has('90/100')(all) && all.some((line) => /^█+░+ gpu-1 .* examples\/s$/.test(line)),
    );
    assert.ok(isWhole(lines), lines.join('\n'));
  });

  it('has room for few workers in a low window, and counts the others', async () => {
    const others = Array.from({ length: 6 }, (_, place) => plane.worker({ workerId: `gpu-${place + 2}` }));
    for (const other of others) await other.next('assign');
    await using terminal = watch({ columns: 120, rows: 5 });
    const lines = await terminal.shows(has(' more'));
    assert.equal(lines.length, 4);
    assert.equal(lines.at(-1), 'and 5 more');
  });

  it('shows each trial of a worker with several slots, and what comes next where the one before was', async () => {
    const wide = plane.worker({ workerId: 'gpu-2', slots: 3 });
    const leases: LeaseRef[] = [];
    for (let slot = 0; slot < 3; slot += 1) leases.push((await wide.next('assign')).lease);
    for (const [slot, each] of leases.entries()) {
      const at = { step: 10 * (slot + 1), loss: 0.5, examplesPerSecond: 9, phase: slot === 2 ? 'evaluate' : 'train' };
      wide.say({ kind: 'progress', lease: each, progress: at });
    }
    await using terminal = watch({ columns: 140 });
    const stands =
      (...steps: readonly string[]) =>
      (lines: readonly string[]) => {
        const shown = lines.flatMap((line) => /gpu-2 +(\S+)/.exec(line)?.[1] ?? []);
        return shown.join() === steps.join();
      };
    const lines = await terminal.shows(stands('10/100', '20/100', '30/100'));
    assert.match(lines.at(-1) ?? '', / 30\/100 .* · evaluate · loss 0\.5000 · 9 examples\/s$/);
    await wide.acknowledged(wide.report({ kind: 'finished', lease: leases[1] as LeaseRef, result: resultOf(0.5) }));
    await terminal.shows(stands('10/100', '0/100', '30/100'));
  });

  it('ends with the table, the cursor back and the exit status of the sweep', async () => {
    await using terminal = watch({ columns: 120 });
    await terminal.shows(has('40/100'));
    void worker.runAll();
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    assert.equal(await terminal.ended, 0);
    const { lines, isCursorHidden } = terminal.screen;
    assert.ok(!isCursorHidden);
    assert.match(lines.at(-1) ?? '', /^s +8 +8 +0 +0 +0 +0 /);
    assert.match(lines.at(-4) ?? '', /^█{16} 8\/8 done · 0 running · 0 left$/);
    assert.equal(lines.filter((line) => line.includes(' done   ')).length, 8);
  });

  it('leaves the sweep running on Ctrl-C, says so and gives the cursor back', async () => {
    await using terminal = watch({ columns: 120 });
    await terminal.shows(has('40/100'));
    terminal.interrupt();
    assert.equal(await terminal.ended, 130);
    assert.ok(!terminal.screen.isCursorHidden);
    assert.match(terminal.screen.lines.at(-1) ?? '', /^left; the sweep goes on: `dss watch s`$/);
    assert.equal(plane.plane.view.journal.sweep('s')?.counts.running, 1);
  });

  it('has colours, and none where NO_COLOR asks for none', async () => {
    const colour = '\u001b[2m';
    await using coloured = watch({ columns: 100 });
    await coloured.shows(has('40/100'));
    assert.ok(coloured.written.includes(colour));
    await using plain = watch({ columns: 100, env: { NO_COLOR: '1' } });
    await plain.shows(has('40/100'));
    assert.ok(!plain.written.includes(colour));
  });

  for (const [why, env] of [
    ['on a terminal that obeys nothing', { TERM: 'dumb' }],
    ['where a service runs it', { CI: 'true' }],
  ] as const) {
    it(`tells a line for each event ${why}, without any sequence`, async () => {
      await using terminal = watch({ columns: 100, env });
      await terminal.shows(has('start  '));
      await finish(0.5);
      await terminal.shows(has('[1/8] done'));
      assert.ok(!terminal.written.includes('\u001b'));
    });
  }

  it('obeys nothing that a worker or a model name says', async () => {
    await using terminal = watch({ columns: 120 });
    await terminal.shows(has('40/100'));
    const failure = { ...failureOf('user', 'X'), message: '\u001b[2J\u001b]0;owned\u0007\rgone' };
    await worker.acknowledged(worker.report({ kind: 'failed', lease, failure }));
    const lines = await terminal.shows(has('X: '));
    assert.ok(lines.join('').includes('\\u001b[2J\\u001b]0;owned\\u0007\\u000dgone'));
  });
});
