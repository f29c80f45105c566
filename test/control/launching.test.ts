import assert from 'node:assert/strict';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import { Launching } from '../../orchestrator/control/launching.js';
import type { SweepError } from '../../orchestrator/core/errors.js';
import type { Demand } from '../../orchestrator/core/schedule/demand.js';
import { LOCAL } from '../../orchestrator/core/sweep/place.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { ManualClock } from '../support/manual-clock.js';
import { ScriptedLauncher } from '../support/scripted-launcher.js';
import { trialsOf } from '../support/trials.js';

function wanting(waiting: number): readonly Demand[] {
  return [{ sweep: 'a', place: LOCAL, waiting, running: 0, devices: 1, machines: 1 }];
}

/** Does what it is told in its own time, and not always. */
class WaywardLauncher extends ScriptedLauncher {
  goOn: () => void = () => {};
  failsAt: 'open' | 'drain' | 'close' | null = null;

  override open(context: Parameters<ScriptedLauncher['open']>[0]): void {
    super.open(context);
    this.#mayFail('open');
  }

  override async want(demands: readonly Demand[]): Promise<void> {
    await super.want(demands);
    await new Promise<void>((resolve) => {
      this.goOn = resolve;
    });
  }

  override drain(): void {
    super.drain();
    this.#mayFail('drain');
  }

  override async close(): Promise<void> {
    await super.close();
    this.goOn();
    this.#mayFail('close');
  }

  #mayFail(at: string): void {
    if (this.failsAt === at) throw new Error(`the place broke at ${at}`);
  }
}

describe('launchers of a control plane', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let failed: SweepError[];
  let demands: readonly Demand[];
  const SURROUNDINGS = {
    address: '127.0.0.1:9',
    reachable: null,
    joinToken: 'secret',
    home: '/nowhere',
    workers: 'auto',
    onExit: () => {},
    onGiveUp: () => {},
  } as const;

  beforeEach(() => {
    folder = temporaryFolder();
    failed = [];
    demands = [];
  });
  afterEach(() => folder[Symbol.dispose]());

  const opened = (...launchers: ScriptedLauncher[]) => {
    const granted = new TokenStore(folder.path);
    const onFail = (error: SweepError) => failed.push(error);
    const launching = new Launching({ launchers, granted, clock: new ManualClock(), onFail });
    launching.open(SURROUNDINGS, () => demands);
    return { launching, granted };
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('are told one thing at a time, and of what has changed meanwhile the last', async () => {
    const launcher = new WaywardLauncher();
    const { launching } = opened(launcher);
    for (const waiting of [1, 2, 3]) {
      demands = wanting(waiting);
      launching.tell();
    }
    await settled();
    assert.deepEqual(launcher.calls, ['want 1']);
    launcher.goOn();
    await settled();
    assert.deepEqual(launcher.calls, ['want 1', 'want 3']);
    await launching.close();
  });

  it('are told nothing any more once they are closed, whatever waited to be told', async () => {
    const launcher = new WaywardLauncher();
    const { launching } = opened(launcher);
    for (const waiting of [1, 2]) {
      demands = wanting(waiting);
      launching.tell();
    }
    await launching.close();
    await settled();
    launching.tell();
    launching.tellSoon();
    assert.deepEqual(launcher.calls, ['want 1', 'close']);
  });

  it('are all drained and closed, whichever of them throws', async () => {
    const [bad, good] = [new WaywardLauncher(), new WaywardLauncher({ place: 'ray' })];
    const { launching } = opened(bad, good);
    bad.failsAt = 'drain';
    launching.drain();
    assert.deepEqual(
      failed.map(({ message }) => message),
      ['the place broke at drain'],
    );
    bad.failsAt = 'close';
    await assert.rejects(launching.close(), /the place broke at close/);
    assert.deepEqual(good.calls, ['drain', 'close']);
  });

  it('have a new token that is good, and the one before it, also of several granted in one moment', () => {
    const launcher = new ScriptedLauncher({ place: 'kubernetes' });
    const { granted } = opened(launcher);
    for (let time = 0; time < 8; time += 1) {
      const token = launcher.context?.grantPool('kubernetes.gpu') ?? '';
      assert.notEqual(granted.look(token), null);
      assert.ok(granted.list().length <= 2);
    }
  });

  describe('that break', () => {
    it('when they are opened, leave the state folder to the next control plane', async () => {
      const launcher = new WaywardLauncher();
      launcher.failsAt = 'open';
      await assert.rejects(TestPlane.start({ home: folder.path, launchers: [launcher] }), /broke at open/);
      assert.deepEqual(launcher.calls, ['close']);
      await using next = await TestPlane.start({ home: folder.path });
      assert.notEqual(next.plane.address, '');
    });

    it('when they are closed, leave what ran to the next control plane', async () => {
      const launcher = new WaywardLauncher();
      const test = await TestPlane.start({ home: folder.path, launchers: [launcher] });
      await test.client.submit('a', trialsOf(1), { retryFailed: false });
      await test.worker().next('assign');
      launcher.failsAt = 'close';
      await assert.rejects(test.plane.stop(), /broke at close/);
      await using next = await TestPlane.start({ home: folder.path, serves: true });
      const { lease } = await next.worker().next('assign');
      assert.equal(lease.attempt, 2);
    });
  });
});
