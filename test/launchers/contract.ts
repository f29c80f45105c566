/**
 * What every launcher promises, whatever the place: one suite, run by each of them on the real thing. A place says how
 * its launcher is made, what a sweep file asks of it, and what runs there as seen from outside.
 */
import assert from 'node:assert/strict';
import type { Notice } from '../../orchestrator/core/notice.js';
import type { JsonValue } from '../../orchestrator/core/sweep/place.js';
import type { Launcher } from '../../orchestrator/launchers/launcher.js';
import { temporaryFolder } from '../support/dss.js';
import { isAlive, killProcess } from '../support/processes.js';
import { until } from '../support/until.js';
import { ToldLauncher, type ToldWishes } from './told-launcher.js';

/** For one test, after which nothing of it may be left. */
export interface LaunchPlace extends AsyncDisposable {
  /** `keepsWorkers`: as of a control plane that comes back. `false` where workers cannot outlive theirs. */
  launcher(keepsWorkers: boolean): Launcher;
  /** What a sweep file says of it, so that it gives no more than so many workers. */
  settings(maxWorkers: number): JsonValue;
  /** How it is opened, where that is of importance. */
  readonly wishes: ToldWishes;
  /** Processes of workers that run, by worker id, not as the launcher knows them. */
  processes(): ReadonlyMap<string, number> | Promise<ReadonlyMap<string, number>>;
  /** One that can start no worker; what it says of it, by a notice or by giving up, must have these words. */
  readonly hopeless: { readonly launcher: () => Launcher; readonly settings: JsonValue; readonly words: RegExp };
}

export interface LaunchPlaceOptions {
  readonly survives: boolean;
  /** In a `before` of its own: starts what all of its places share, or skips. */
  readonly prepare?: (test: Mocha.Context) => Promise<void>;
}

export function keepsTheContract(
  name: string,
  make: () => Promise<LaunchPlace>,
  { survives, prepare }: LaunchPlaceOptions,
): void {
  describe(`the launcher contract, kept by ${name}`, () => {
    let place: LaunchPlace;
    let folder: ReturnType<typeof temporaryFolder>;
    let opened: ToldLauncher[];

    if (prepare !== undefined) {
      before(async function () {
        await prepare(this);
      });
    }

    beforeEach(async () => {
      place = await make();
      folder = temporaryFolder();
      opened = [];
    });

    afterEach(async () => {
      await Promise.all(opened.map(({ launcher }) => launcher.close()));
      await place[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    });

    const open = (launcher: Launcher): ToldLauncher => {
      const told = new ToldLauncher(launcher, folder.path, place.wishes);
      opened.push(told);
      return told;
    };

    const idsThere = async () => [...(await place.processes()).keys()].sort();
    const areThere = (count: number) => until(async () => (await place.processes()).size === count);

    it('starts a worker for each trial up to what is allowed, each once, and lists those that run', async () => {
      const told = open(place.launcher(false));
      const settings = place.settings(2);
      await Promise.all([told.want(settings, 5), told.want(settings, 5), told.want(settings, 6)]);
      const ids = await told.running(2);
      await areThere(2);
      assert.deepEqual(await idsThere(), ids);
      await told.want(settings, 3, 2);
      assert.deepEqual([...(await told.workers()).keys()].sort(), ids);
      assert.deepEqual(await idsThere(), ids);
      for (const { pool, detail } of await told.launcher.list()) {
        assert.ok(told.granted.includes(pool) || pool === '', 'it joins by a token that was granted');
        assert.notEqual(detail, '');
      }
    });

    it('tells of a worker that was killed, whose work is lost, and starts another by another name', async () => {
      const told = open(place.launcher(false));
      const settings = place.settings(2);
      await told.want(settings, 2);
      const before = await told.running(2);
      await areThere(2);
      const [victim = '', kept = ''] = before;
      killProcess((await place.processes()).get(victim));
      await until(async () => {
        await told.want(settings, 1, 1);
        return told.exits.has(victim);
      });
      const failure = await told.exitOf(victim);
      assert.deepEqual([failure.kind, failure.code], ['lost', 'WORKER_EXITED']);
      assert.match(failure.message, new RegExp(victim));
      assert.notEqual(failure.hint, '');
      let now: readonly string[] = [];
      await until(async () => {
        await told.want(settings, 1, 1);
        now = [...(await told.workers())].filter(([, state]) => state === 'running').map(([id]) => id);
        return now.length === 2;
      });
      assert.ok(now.includes(kept), 'the other one is left alone');
      assert.ok(!now.includes(victim), 'no name is used twice');
      assert.deepEqual([...told.exits.keys()], [victim]);
    });

    it('starts none any more once it is draining, also none in place of one that ends', async () => {
      const told = open(place.launcher(false));
      await told.want(place.settings(2), 1);
      const [only = ''] = await told.running(1);
      await areThere(1);
      told.launcher.drain();
      await told.want(place.settings(2), 2);
      killProcess((await place.processes()).get(only));
      await until(async () => {
        await told.want(place.settings(2), 2);
        return told.exits.has(only);
      });
      await told.want(place.settings(2), 2);
      assert.deepEqual(await idsThere(), []);
    });

    it('ends every worker that belongs to it when it is closed, and none is left there', async () => {
      const told = open(place.launcher(false));
      await told.want(place.settings(2), 2);
      await told.running(2);
      await areThere(2);
      const processes = [...(await place.processes()).values()];
      await told.launcher.close();
      await until(() => !processes.some(isAlive));
      await areThere(0);
      await told.want(place.settings(2), 2);
      assert.deepEqual(await idsThere(), [], 'a closed one starts nothing');
    });

    if (survives) {
      it('finds what a control plane before it has started, and neither doubles nor loses any', async () => {
        const first = open(place.launcher(true));
        assert.ok(first.launcher.workersSurvive);
        await first.want(place.settings(2), 2);
        const ids = await first.running(2);
        await areThere(2);
        const processes = new Map(await place.processes());
        await first.launcher.close();
        assert.deepEqual(new Map(await place.processes()), processes, 'they go on');
        const second = open(place.launcher(false));
        await second.want(place.settings(2), 0, 2);
        assert.deepEqual(await second.running(2), ids);
        assert.deepEqual(new Map(await place.processes()), processes);
        assert.deepEqual([...second.exits], []);
        await second.launcher.close();
        await areThere(0);
      });
    } else {
      it('says that its workers end with their control plane', () => {
        assert.equal(open(place.launcher(false)).launcher.workersSurvive, false);
      });
    }

    it('says why no worker starts, and what to do', async () => {
      const { launcher, settings, words } = place.hopeless;
      const told = open(launcher());
      let said: Pick<Notice, 'message' | 'hint'> | undefined;
      await until(async () => {
        await told.want(settings, 1).catch(() => {});
        said = [...told.notices.values(), ...told.givenUp].find(({ message }) => words.test(message));
        return said !== undefined;
      });
      assert.notEqual(said?.hint, '');
      assert.deepEqual(await idsThere(), []);
    });
  });
}
