import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { SweepError } from '../../orchestrator/core/errors.js';
import type { PlaneView, PlaneWatcher } from '../../orchestrator/observe/plane-view.js';
import type { LiveBoard } from '../../orchestrator/web/live-board.js';
import { LiveBoards } from '../../orchestrator/web/live-boards.js';
import { silent, TestPlane } from '../support/control-planes.js';
import { resultOf, trialIdOf, trialsOf } from '../support/trials.js';

const AGAIN = { retryFailed: false };
const MINUTE_MS = 60_000;

/** Gives which sweeps' trials were read, in order. */
function readsOf({ journal }: PlaneView): readonly string[] {
  const reads: string[] = [];
  const glances = journal.glances.bind(journal);
  journal.glances = (sweep) => {
    reads.push(sweep);
    return glances(sweep);
  };
  return reads;
}

/** Of which nothing runs: whoever watched it has been told that it is over. */
async function pause(view: PlaneView, sweep: string): Promise<void> {
  view.act(sweep, 'pause');
  await nextTurn();
}

async function boardOf(boards: LiveBoards, sweep = 's'): Promise<LiveBoard> {
  const live = await boards.of(sweep);
  assert.ok(live !== null);
  return live;
}

/** Resolves when the board has been found so, however often it is stirred before. */
async function until(live: LiveBoard, holds: () => boolean): Promise<void> {
  while (!holds()) await live.stirred(new AbortController().signal, MINUTE_MS);
}

const statesOf = ({ board }: LiveBoard) => board.ids.map((_, place) => board.stateAt(place));

describe('the board of a paused sweep', () => {
  it('is read once, however often it is looked at, and tells of nothing', async () => {
    await using plane = await TestPlane.start();
    const { view } = plane.plane;
    const reads = readsOf(view);
    await plane.client.submit('s', trialsOf(2), AGAIN);
    await pause(view, 's');
    const boards = new LiveBoards(view, silent);
    const live = await boardOf(boards);
    let isStirred = false;
    const stirred = live.stirred(new AbortController().signal, MINUTE_MS).then(() => {
      isStirred = true;
    });
    const { standingVersion } = live;
    for (let each = 0; each < 5; each += 1) await boards.look();
    assert.deepEqual(reads, ['s']);
    assert.equal(live.standingVersion, standingVersion);
    assert.equal(isStirred, false);
    await boards.close();
    await stirred;
  });

  it('is read once more when its counts have moved, and shows what has come of them', async () => {
    await using plane = await TestPlane.start();
    const { view } = plane.plane;
    const reads = readsOf(view);
    await plane.client.submit('s', trialsOf(2), AGAIN);
    await pause(view, 's');
    const boards = new LiveBoards(view, silent);
    const live = await boardOf(boards);
    view.act('s', 'cancel');
    for (let each = 0; each < 5; each += 1) await boards.look();
    await until(live, () => statesOf(live).every((state) => state === 'cancelled'));
    assert.deepEqual(reads, ['s', 's']);
    await boards.close();
  });

  it('is read by one at a time, and once more for all that has moved meanwhile', async () => {
    await using plane = await TestPlane.start();
    const { view } = plane.plane;
    await plane.client.submit('s', trialsOf(600), AGAIN); // more than are read in one go
    await pause(view, 's');
    const boards = new LiveBoards(view, silent);
    const live = await boardOf(boards);
    const { journal } = view;
    const [sweepOf, glances] = [journal.sweep.bind(journal), journal.glances.bind(journal)];
    const reads = { all: 0, now: 0, most: 0 };
    journal.glances = function* (sweep) {
      reads.all += 1;
      reads.now += 1;
      reads.most = Math.max(reads.most, reads.now);
      yield* glances(sweep);
      reads.now -= 1;
    };
    for (let failed = 1; failed <= 3; failed += 1) {
      journal.sweep = (sweep) => {
        const record = sweepOf(sweep);
        return record && { ...record, counts: { ...record.counts, failed } };
      };
      live.isCurrent();
    }
    await until(live, () => reads.all > 1 && reads.now === 0);
    assert.deepEqual(reads, { all: 2, now: 0, most: 1 });
    await boards.close();
  });

  it('is followed again when it goes on, after one reading', async () => {
    await using plane = await TestPlane.start();
    const { view } = plane.plane;
    const reads = readsOf(view);
    await plane.client.submit('s', trialsOf(1), AGAIN);
    await pause(view, 's');
    const boards = new LiveBoards(view, silent);
    const live = await boardOf(boards);
    assert.equal(live.isLive, false);
    view.act('s', 'resume');
    await boards.look();
    assert.equal(live.isLive, true);
    const worker = plane.worker();
    const { lease } = await worker.next('assign');
    worker.report({ kind: 'finished', lease, result: resultOf(0.5) });
    await until(live, () => live.board.row(0)[2] === 0.5);
    assert.deepEqual(reads, ['s', 's']);
    await boards.close();
  });

  it('shows what is told while it is read again, and not what was read before that', async () => {
    await using plane = await TestPlane.start();
    let watcher: PlaneWatcher | undefined;
    const view: PlaneView = {
      ...plane.plane.view,
      watch: (sweep, each) => {
        watcher = each;
        return plane.plane.view.watch(sweep, each);
      },
    };
    await plane.client.submit('s', trialsOf(2), AGAIN);
    await pause(view, 's');
    const boards = new LiveBoards(view, silent);
    const live = await boardOf(boards);
    const told = { trialId: trialIdOf(1), attempt: 1, workerId: 'w', failure: null, result: null } as const;
    const { journal } = view;
    const glances = journal.glances.bind(journal);
    journal.glances = function* (sweep) {
      const [first, second] = [...glances(sweep)].map((glance) => ({ ...glance, state: 'running' as const }));
      assert.ok(first !== undefined && second !== undefined);
      watcher?.tell({ kind: 'trial', trial: { ...told, state: 'failed' } });
      yield* [first, second];
    };
    view.act('s', 'resume');
    await boards.look();
    await until(live, () => statesOf(live).every((state) => state !== 'queued'));
    assert.deepEqual(statesOf(live), ['failed', 'running']);
    await boards.close();
  });
});

describe('the boards that are kept', () => {
  it('are those of live sweeps; any other is forgotten a while after the last look', async () => {
    let nowMs = 0;
    await using plane = await TestPlane.start();
    const { view } = plane.plane;
    for (const [place, sweep] of ['paused', 'ended', 'live'].entries()) {
      await plane.client.submit(sweep, trialsOf(1, 1 + place), AGAIN);
    }
    await pause(view, 'paused');
    view.act('ended', 'cancel');
    const boards = new LiveBoards(view, silent, () => nowMs);
    const live = await boardOf(boards, 'live');
    for (const sweep of ['paused', 'ended']) await boards.of(sweep);
    nowMs = MINUTE_MS;
    await boards.look();
    assert.equal(boards.size, 3);
    await boards.of('ended');
    nowMs = MINUTE_MS + 1;
    await boards.look();
    assert.equal(boards.size, 2, 'not the paused one');
    nowMs = 2 * MINUTE_MS + 1;
    await boards.look();
    assert.equal(boards.size, 1);
    assert.equal(await boards.of('live'), live);
    await boards.close();
  });

  it('have the newest sweep that goes on among them before anybody asks, and none that is paused', async () => {
    await using plane = await TestPlane.start();
    const { view } = plane.plane;
    const reads = readsOf(view);
    await plane.client.submit('older', trialsOf(1, 1), AGAIN);
    await plane.client.submit('newer', trialsOf(1, 2), AGAIN);
    await pause(view, 'newer');
    const boards = new LiveBoards(view, silent);
    await boards.look();
    await boards.look();
    assert.deepEqual(reads, ['older']);
    await pause(view, 'older');
    await boards.look();
    assert.deepEqual(reads, ['older']);
    await boards.close();
  });

  it('are one each for all who ask at once after an extension', async () => {
    await using plane = await TestPlane.start();
    const { view } = plane.plane;
    await plane.client.submit('s', trialsOf(1), AGAIN);
    const boards = new LiveBoards(view, silent);
    const before = await boardOf(boards);
    await plane.client.submit('s', trialsOf(2), { ...AGAIN, extend: true });
    const reads = readsOf(view);
    const [first, second] = await Promise.all([boardOf(boards), boardOf(boards)]);
    assert.notEqual(first, before);
    assert.equal(first, second);
    assert.deepEqual(reads, ['s']);
    await boards.close();
  });
});

describe('whoever keeps the boards', () => {
  /** What is logged, as messages. */
  function listening() {
    const messages: string[] = [];
    const write = (line: string) => messages.push((JSON.parse(line) as { msg: string }).msg);
    return { messages, logger: pino({}, { write }) };
  }

  it('ends without a word when the journal is closed', async () => {
    const { messages, logger } = listening();
    const plane = await TestPlane.start();
    await plane.client.submit('s', trialsOf(1), AGAIN);
    const boards = new LiveBoards(plane.plane.view, logger);
    await boards.of('s');
    await plane[Symbol.asyncDispose]();
    assert.throws(() => plane.plane.view.journal.sweeps());
    await boards.look();
    assert.deepEqual(messages, []);
    await boards.close();
  });

  it('complains of anything else once, and again when it has gone well meanwhile', async () => {
    const { messages, logger } = listening();
    await using plane = await TestPlane.start();
    const { journal } = plane.plane.view;
    const sweeps = journal.sweeps.bind(journal);
    const boards = new LiveBoards(plane.plane.view, logger);
    for (let each = 0; each < 2; each += 1) {
      journal.sweeps = () => {
        throw new SweepError('STATE_INVALID', 'the journal is damaged');
      };
      await boards.look();
      await boards.look();
      journal.sweeps = sweeps;
      await boards.look();
    }
    const complaint = 'the boards of sweeps are not kept up';
    assert.deepEqual(messages, [complaint, complaint]);
    await boards.close();
  });
});
