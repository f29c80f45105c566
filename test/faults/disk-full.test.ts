import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import type { SweepError } from '../../orchestrator/core/errors.js';
import { describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { skip } from '../support/skip.js';
import { SmallDisk } from '../support/small-disk.js';
import { failureOf, resultOf, trialsOf } from '../support/trials.js';

const NORMAL = { retryFailed: false };

describe('a full disk', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let disk: SmallDisk | null;

  const mount = (test: Mocha.Context, path: string, bytes: number): SmallDisk => {
    mkdirSync(path, { recursive: true });
    disk = SmallDisk.mount(path, bytes);
    if (disk === null) skip(test, 'mounting a file system needs root on Linux');
    return disk;
  };

  beforeEach(() => {
    folder = temporaryFolder();
    disk = null;
  });

  afterEach(() => {
    disk?.[Symbol.dispose]();
    folder[Symbol.dispose]();
  });

  it('under the journal stops the lending, leaves reading, says where and how much is free, and loses nothing', async function () {
    const small = mount(this, join(folder.path, 'disk'), 8 * 2 ** 20);
    const home = join(small.path, 'home');
    const lines: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    let fatal: (error: SweepError) => void = () => {};
    const failed = new Promise<SweepError>((resolve) => {
      fatal = resolve;
    });
    const first = await TestPlane.start({ home, logger, onFatal: (error) => fatal(error) });
    await first.client.submit('a', trialsOf(3), NORMAL);
    const worker = first.worker();
    const { lease } = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    const next = (await worker.next('assign')).lease;
    small.fill(0);
    const training = Array.from({ length: 20_000 }, (_, step) => ({ step, loss: 1 }));
    const sequence = worker.report({ kind: 'metrics', lease: next, training, evaluations: [] });
    const error = await failed;
    assert.equal(error.code, 'DISK_FULL');
    assert.match(error.message, /the journal could not be written: database or disk is full/);
    assert.match(error.hint, /nothing acknowledged is lost; free space/);
    const told = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    assert.ok(
      told.some(({ home: where, freeBytes }) => where === home && typeof freeBytes === 'number'),
      lines.join(''),
    );
    const [summary] = await first.client.list();
    assert.deepEqual([summary?.counts.succeeded, summary?.counts.running], [1, 1]);
    await assert.rejects(first.client.submit('b', trialsOf(1, 9), NORMAL), /could not be written/);
    assert.ok(!worker.unread.some((each) => each.kind === 'acknowledged' && each.sequences.includes(sequence)));
    await first[Symbol.asyncDispose]();

    small.free();
    await using second = await TestPlane.start({ home });
    assert.deepEqual(checkDatabase(home)?.findings.map(describeFinding), []);
    assert.deepEqual(await second.client.submit('a', trialsOf(3), NORMAL), { done: 1, toRun: 2, failed: 0 });
    void second.worker().runAll();
    const last = (await second.watched('a')).at(-1);
    assert.equal(last?.kind === 'summary' && last.summary.counts.succeeded, 3);
  });

  it('under a worker pauses the sweep, costs its trial an attempt and no result, and is gone on from by hand', async () => {
    await using test = await TestPlane.start({ home: join(folder.path, 'home') });
    await test.client.submit('a', trialsOf(3), NORMAL);
    await test.client.submit('b', trialsOf(1, 9), NORMAL);
    const watching = test.watched('a');
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    const failure = {
      ...failureOf('infrastructure', 'DISK_FULL'),
      message: 'no space is left on the disk: [Errno 28]',
    };
    await worker.acknowledged(worker.report({ kind: 'failed', lease, failure }));
    const { standing } = (await test.client.sweep('a')) ?? {};
    assert.deepEqual([standing?.state, standing?.reason], ['paused', failure.message]);
    const last = (await watching).at(-1);
    assert.ok(last?.kind === 'summary');
    assert.equal(last.summary.counts.queued, 3, 'each of them would meet the same disk');
    const other = await worker.next('assign');
    assert.equal(other.trial.trialId, trialsOf(1, 9)[0]?.trialId, 'another sweep may write elsewhere');
    worker.report({ kind: 'finished', lease: other.lease, result: resultOf(0.5) });
    await test.client.resume('a');
    const again = test.watched('a');
    void worker.runAll();
    const end = (await again).at(-1);
    assert.equal(end?.kind === 'summary' && end.summary.counts.succeeded, 3);
  });

  it('under one of several hosts costs that host, and the sweep goes on with the others', async () => {
    await using test = await TestPlane.start({ home: join(folder.path, 'home') });
    await test.client.submit('a', trialsOf(3), NORMAL);
    const watching = test.watched('a');
    const full = test.worker({ workerId: 'full', host: 'full' });
    const { lease } = await full.next('assign');
    const other = test.worker({ workerId: 'other', host: 'other' });
    await other.next('welcome');
    const failure = { ...failureOf('infrastructure', 'DISK_FULL'), message: 'no space is left on the disk' };
    await full.acknowledged(full.report({ kind: 'failed', lease, failure }));
    void other.runAll();
    const last = (await watching).at(-1);
    assert.equal(last?.kind === 'summary' && last.summary.counts.succeeded, 3);
    assert.ok(!full.unread.some(({ kind }) => kind === 'assign'));
    const { workers } = await test.client.info();
    const { state, reason } = workers.find(({ workerId }) => workerId === 'full') ?? {};
    assert.equal(state, 'drained');
    assert.match(reason ?? '', /^on host full, no space is left on the disk \(0{19}1\); make room there/);
  });

  it('under the logs costs log lines, and no trial', async function () {
    const home = join(folder.path, 'home');
    const small = mount(this, join(home, 'logs'), 64 * 2 ** 10);
    small.fill(0);
    await using test = await TestPlane.start({ home });
    await test.client.submit('a', trialsOf(1), NORMAL);
    const watching = test.watched('a');
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    const lines = [{ unixMs: 0, stream: 'stdout' as const, text: 'x'.repeat(8_000) }];
    await worker.acknowledged(worker.report({ kind: 'log', lease, lines, dropped: 0 }));
    worker.report({ kind: 'finished', lease, result: resultOf(0.5) });
    const last = (await watching).at(-1);
    assert.equal(last?.kind === 'summary' && last.summary.counts.succeeded, 1);
  });
});
