import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { findRunningPlane } from '../../orchestrator/cli/server/running-plane.js';
import { systemClock } from '../../orchestrator/control/clock.js';
import { ControlLoop } from '../../orchestrator/control/control-loop.js';
import { LogStore } from '../../orchestrator/control/log-store.js';
import { ENGINE_VERSION } from '../../orchestrator/core/domain.js';
import { SweepError } from '../../orchestrator/core/errors.js';
import type { ToWorker } from '../../orchestrator/core/worker-message.js';
import { openJournal, openJournalWhileChecking } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { silent, TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { fixedRandom } from '../support/manual-clock.js';
import { partOf } from '../support/parts.js';
import { ScriptedLauncher } from '../support/scripted-launcher.js';
import { failureOf, resultOf, trialIdOf, trialsOf } from '../support/trials.js';

const HELLO = {
  workerId: 'w',
  instanceId: 'one-life',
  engineVersion: ENGINE_VERSION,
  host: 'h',
  pid: 1,
  devices: [],
  versions: {},
  running: [],
  slots: 1,
  prefetch: 0,
};

describe('a journal that cannot be written', () => {
  it('ends the control plane: the report is not acknowledged, nothing is lent, and everybody is told', async () => {
    using folder = temporaryFolder();
    const journal = openJournal(folder.path);
    const said: ToWorker[] = [];
    const told: SweepError[] = [];
    const fatal = new Promise<SweepError>((onFatal) => {
      const logs = new LogStore(folder.path);
      const times = { leaseMs: 30_000, renewEveryMs: 10_000 };
      const parts = {
        home: folder.path,
        journal,
        logs,
        clock: systemClock,
        random: fixedRandom,
        logger: silent,
        ...times,
        onFatal,
      };
      const loop = new ControlLoop(parts);
      loop.submit(partOf('a', [1, 2]));
      loop.watch('a', { tell: () => {}, end: () => {}, fail: (error) => told.push(error) });
      const send = (message: ToWorker) => {
        said.push(message);
        if (message.kind !== 'assign') return;
        // A real error of SQLite's, the one of a full disk: the file may not grow.
        const { db } = journal as unknown as { readonly db: Database };
        db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`);
        const { lease } = message;
        const lines = Array.from({ length: 5_000 }, (_, step) => ({ step, loss: 1 }));
        loop.report('w', 1n, { kind: 'metrics', lease, training: lines, evaluations: [] });
        loop.report('w', 2n, { kind: 'finished', lease, result: resultOf(1) });
      };
      loop.join(HELLO, { send, end: () => {} });
    });
    const error = await fatal;
    assert.match(error.message, /journal could not be written: database or disk is full/);
    assert.notEqual(error.hint, '');
    assert.deepEqual(told, [error]);
    assert.deepEqual(
      said.map(({ kind }) => kind),
      ['welcome', 'assign'],
    );
    assert.equal(journal.trial(trialIdOf(1))?.state, 'running');
    journal.close();
  });
});

describe('a control plane that finds its journal damaged while it takes it up', () => {
  it('ends before anybody can reach it: nothing is lent, written or announced', async () => {
    using folder = temporaryFolder();
    const whole = openJournal(folder.path);
    whole.transaction(() => whole.submit(partOf('a', [], { trials: trialsOf(400) }), 1));
    whole.close();
    const path = join(folder.path, 'journal.db');
    const bytes = readFileSync(path);
    // Pages in the second half are those of rows and of what finds them: the first trials are read all the same.
    bytes.fill(0xa5, Math.floor(bytes.length * 0.6), Math.floor(bytes.length * 0.6) + 4_096);
    writeFileSync(path, bytes);
    const launcher = new ScriptedLauncher({ workersSurvive: true });
    const start = () =>
      TestPlane.start({
        home: folder.path,
        serves: true,
        launchers: [launcher],
        openJournal: openJournalWhileChecking,
      });
    await assert.rejects(start(), { code: 'STATE_INVALID', message: /is damaged|cannot be read/ });
    assert.equal(launcher.context, null);
    assert.deepEqual(readFileSync(path), bytes);
    assert.equal(await findRunningPlane(folder.path), null);
    await assert.rejects(start(), { code: 'STATE_INVALID' }, 'and again');
  });
});

describe('a launcher', () => {
  it('is asked for workers when there is something to run, and closed at the end', async () => {
    const launcher = new ScriptedLauncher();
    await using test = await TestPlane.start({ launchers: [launcher], workers: 2 });
    assert.equal(launcher.context?.workers, 2);
    await test.client.submit('a', trialsOf(3), { retryFailed: false });
    await test.client.submit('none', [], { retryFailed: false });
    await test.plane.drain(0);
    await test.plane.stop();
    assert.deepEqual(launcher.calls, ['want 3', 'drain', 'close']);
  });

  it('that gives up ends every sweep with its error', async () => {
    const launcher = new ScriptedLauncher();
    const fatal: SweepError[] = [];
    await using test = await TestPlane.start({ launchers: [launcher], onFatal: (error) => fatal.push(error) });
    await test.client.submit('a', trialsOf(1), { retryFailed: false });
    const watching = test.client.watch('a', new AbortController().signal)[Symbol.asyncIterator]();
    await watching.next();
    launcher.context?.onGiveUp(new SweepError('WORKERS_FAILED', 'they all die', { hint: 'é: see the log' }));
    await assert.rejects(watching.next(), { code: 'WORKERS_FAILED', message: 'they all die', hint: 'é: see the log' });
    assert.equal(fatal[0]?.code, 'WORKERS_FAILED');
    await assert.rejects(test.client.submit('b', trialsOf(1), { retryFailed: false }), { code: 'WORKERS_FAILED' });
  });

  it('that gives up when the state folder is gone tells everybody all the same', async () => {
    const launcher = new ScriptedLauncher();
    await using test = await TestPlane.start({ launchers: [launcher] });
    await test.client.submit('a', trialsOf(1), { retryFailed: false });
    const watching = test.client.watch('a', new AbortController().signal)[Symbol.asyncIterator]();
    await watching.next();
    const away = `${test.home}-away`;
    renameSync(test.home, away);
    launcher.context?.onGiveUp(new SweepError('WORKERS_FAILED', 'they all die'));
    await assert.rejects(watching.next(), { code: 'WORKERS_FAILED' });
    renameSync(away, test.home);
  });

  it('that saw a worker end frees its attempts at once, after what that worker still said', async () => {
    const launcher = new ScriptedLauncher();
    await using test = await TestPlane.start({ launchers: [launcher] });
    await test.client.submit('a', trialsOf(2), { retryFailed: false });
    const dying = test.worker({ workerId: 'dying', slots: 2 });
    const [first] = [await dying.next('assign'), await dying.next('assign')];
    launcher.context?.onExit('dying', failureOf('lost', 'WORKER_EXITED'));
    await dying.acknowledged(dying.report({ kind: 'finished', lease: first.lease, result: resultOf(0.5) }));
    dying.cut();
    const next = await test.worker({ workerId: 'next' }).next('assign');
    assert.deepEqual([next.lease.trialId, next.lease.attempt], [trialIdOf(2), 2]);
  });
});
