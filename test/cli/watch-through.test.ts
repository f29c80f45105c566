import assert from 'node:assert/strict';
import { watchThrough } from '../../orchestrator/cli/watch/watch-through.js';
import { connectClient } from '../../orchestrator/control/client.js';
import { SweepError } from '../../orchestrator/core/errors.js';
import type { WatchEvent } from '../../orchestrator/core/watch-event.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import type { ScriptedWorker } from '../support/scripted-worker.js';
import { resultOf, trialIdOf, trialsOf } from '../support/trials.js';

const NORMAL = { retryFailed: false };

async function finishNext(worker: ScriptedWorker): Promise<void> {
  const { lease } = await worker.next('assign');
  await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.5) }));
}

/** What is shown of a sweep whose control plane may be another one after a while. */
class Watching {
  readonly said: string[] = [];
  readonly told: string[] = [];
  /** Asked for each time that it is looked for: `null`: it does not run. */
  now: TestPlane | null;
  /** So often it is refused before that. */
  refusals = 0;
  readonly leave = new AbortController();
  readonly ended: Promise<void>;
  #looks: (() => void)[] = [];
  #hearing: (() => void)[] = [];

  constructor(first: TestPlane, comesBack = true, isJoined = false) {
    this.now = first;
    const clientOf = (plane: TestPlane) =>
      connectClient({ address: plane.plane.address, token: plane.plane.clientToken });
    let client = clientOf(first);
    const plane = {
      get client() {
        return client;
      },
      again: async () => {
        for (const look of this.#looks.splice(0)) look();
        this.refusals -= 1;
        if (this.refusals >= 0) throw new SweepError('NOT_ALLOWED', 'services "dss" is forbidden');
        if (this.now === null) throw new SweepError('UNAVAILABLE', 'nobody is there');
        client.close();
        client = clientOf(this.now);
        return client;
      },
    };
    const display = {
      update: (event: WatchEvent) => this.#note(event),
      say: (line: string) => {
        this.said.push(line);
        for (const hear of this.#hearing.splice(0)) hear();
      },
    };
    const trialIds = trialsOf(4).map(({ trialId }) => trialId);
    const options = { comesBack, isJoined, signal: this.leave.signal };
    this.ended = watchThrough({ plane, sweep: 'a', trialIds, display, ...options }).finally(() => client.close());
    this.ended.catch(() => {});
  }

  /** It was looked for so many times more. */
  async looked(): Promise<void> {
    await new Promise<void>((resolve) => this.#looks.push(resolve));
  }

  /** Something more is said. */
  async heard(): Promise<void> {
    await new Promise<void>((resolve) => this.#hearing.push(resolve));
  }

  #note(event: WatchEvent): void {
    if (event.kind === 'trial') this.told.push(`${Number(`0x${event.trial.trialId}`)} ${event.trial.state}`);
  }

  of(state: string): readonly string[] {
    return this.told.filter((each) => each.endsWith(state)).toSorted();
  }
}

describe('whoever watches a sweep', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const start = () => TestPlane.start({ home: folder.path, serves: true });

  beforeEach(() => {
    folder = temporaryFolder();
  });

  afterEach(() => folder[Symbol.dispose]());

  it('goes on with the next control plane, and is told once of what each has ended', async () => {
    const first = await start();
    await first.client.submit('a', trialsOf(4), NORMAL);
    const watching = new Watching(first);
    await finishNext(first.worker());
    watching.now = null;
    await first[Symbol.asyncDispose]();
    await watching.looked();
    // Something ends while nobody tells.
    const second = await start();
    await finishNext(second.worker({ workerId: 'second' }));
    await second[Symbol.asyncDispose]();
    const third = await start();
    watching.now = third;
    const worker = third.worker({ workerId: 'third' });
    await finishNext(worker);
    await finishNext(worker);
    await watching.ended;
    assert.deepEqual(
      watching.of('succeeded'),
      [1, 2, 3, 4].map((number) => `${number} succeeded`),
    );
    assert.ok(watching.said.includes('the control plane is back'));
    await third[Symbol.asyncDispose]();
  });

  it('is told once that no worker is there, and what brings one, where nobody else would', async () => {
    await using plane = await start();
    await plane.client.submit('a', trialsOf(4), NORMAL);
    const watching = new Watching(plane, true, true);
    await watching.heard();
    void plane.worker().runAll();
    await watching.ended;
    assert.deepEqual(watching.said, [
      'NO_WORKER: no worker is connected so far, and its trials wait for one (`dss worker` joins with the devices of ' +
        'its machine; `dss serve --workers auto` has its own)',
    ]);
  });

  it('hears how it ended where it has ended meanwhile', async () => {
    const first = await start();
    await first.client.submit('a', trialsOf(4), NORMAL);
    const watching = new Watching(first);
    watching.now = null;
    await first[Symbol.asyncDispose]();
    const second = await start();
    const worker = second.worker();
    for (let count = 0; count < 4; count += 1) await finishNext(worker);
    watching.now = second;
    await watching.ended;
    assert.deepEqual(
      watching.of('succeeded'),
      [1, 2, 3, 4].map((number) => `${number} succeeded`),
    );
    await second[Symbol.asyncDispose]();
  });

  it('goes on though it is refused for a while, and ends when it is refused for good', async () => {
    for (const [refusals, end] of [
      [2, 'out'],
      [99, 'refused'],
    ] as const) {
      await using first = await TestPlane.start();
      await first.client.submit('a', trialsOf(4), NORMAL);
      const watching = new Watching(first);
      const worker = first.worker();
      await finishNext(worker);
      watching.refusals = refusals;
      await using second = await TestPlane.start();
      await second.client.submit('a', trialsOf(4), NORMAL);
      void second.worker().runAll();
      watching.now = second;
      await first[Symbol.asyncDispose]();
      const ended = await watching.ended.then(
        () => 'out',
        (error: SweepError) => (error.code === 'NOT_ALLOWED' ? 'refused' : error.message),
      );
      assert.equal(ended, end);
    }
  });

  it('may leave while nobody answers', async () => {
    const first = await start();
    await first.client.submit('a', trialsOf(4), NORMAL);
    const watching = new Watching(first);
    watching.now = null;
    await first[Symbol.asyncDispose]();
    await watching.looked();
    watching.leave.abort();
    await watching.ended;
  });

  it('ends with the control plane of a command, which does not come back', async () => {
    const first = await start();
    await first.client.submit('a', trialsOf(4), NORMAL);
    const watching = new Watching(first, false);
    await first[Symbol.asyncDispose]();
    await assert.rejects(watching.ended, { code: 'UNAVAILABLE' });
  });

  it('is told why trials wait that fit nowhere', async () => {
    await using first = await TestPlane.start({ home: folder.path, serves: true, leaseMs: 300, renewEveryMs: 100 });
    const wide = trialsOf(1).map((trial) => ({ ...trial, run: { ...trial.run, devices: 2 } }));
    const worker = first.worker();
    await worker.next('welcome');
    await first.client.submit('a', wide, NORMAL);
    for (let told = 0; told === 0; told = (await first.client.info()).notices.length)
      worker.say({ kind: 'renew', leases: [] });
    const watching = new Watching(first);
    while (watching.said.length === 0) await first.client.info();
    assert.match(
      watching.said[0] ?? '',
      /^NEED_UNFIT: a trial of sweep a needs 2 devices; 1 worker is there, with 1 at most \(it waits until there are more: /,
    );
    assert.equal((await first.client.standing([trialIdOf(1)]))[0]?.state, 'queued');
    watching.leave.abort();
    await watching.ended;
  });
});
