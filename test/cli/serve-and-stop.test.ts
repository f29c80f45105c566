import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { runDss, startDss, temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';

describe('dss stop', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;
  beforeEach(() => {
    folder = temporaryFolder();
    home = join(folder.path, 'home');
  });
  afterEach(() => folder[Symbol.dispose]());

  const serving = async (...more: string[]) => {
    const dss = startDss(['serve', '--home', home, '--listen', '127.0.0.1:0', ...more]);
    await dss.lineOnStderr((line) => line.startsWith('files:'));
    return dss;
  };

  it('ends a control plane as a signal does, and says where there is none', async () => {
    const dss = await serving();
    const { code, stdout, stderr } = await runDss(['stop', '--home', home]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(
      stdout,
      `${home} (process ${dss.pid}) is stopping: what runs there has its grace to write down where it is\n`,
    );
    const ended = await dss.finished;
    assert.equal(ended.code, 143, ended.stderr);
    assert.match(ended.stderr, /^stopped; the next `dss serve` goes on/m);
    assert.equal((await runDss(['stop', '--home', home])).stdout, `no control plane runs with ${home}\n`);
    assert.deepEqual(JSON.parse((await runDss(['stop', '--home', home, '--json'])).stdout), { stopping: false });
  });
});

describe('a control plane that serves', () => {
  it('goes on without a place that cannot reach it, and says so', async () => {
    using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    const journal = openJournal(home);
    const place = { on: 'ray' as const, pools: ['ray.x'], settings: { address: 'http://ray.example:8265', ray: {} } };
    const options = { ...DEFAULT_SWEEP_OPTIONS, place };
    journal.transaction(() => journal.submit(partOf('far', [1, 2], { options }), 1));
    journal.close();
    const dss = startDss(['serve', '--home', home, '--listen', '127.0.0.1:0', '--on', 'ray', '--log-level', 'warn']);
    await dss.lineOnStderr((line) => line.includes('a pool cannot be opened'));
    const { code, stdout } = await runDss(['status', '--home', home]);
    assert.equal(code, 0);
    assert.match(stdout, /PLACE_ABSENT.*ray\.example:8265 cannot reach a control plane that listens on its own/);
    await runDss(['stop', '--home', home]);
    assert.equal((await dss.finished).code, 143);
  });
});

describe('dss worker', () => {
  for (const [flags, message] of [
    [
      ['--device', 'cuda'],
      /--device: expected auto, cpu, cuda:K or cuda:K,L,…, got "cuda"\n {2}cuda:0 is the first GPU/,
    ],
    [['--device', 'gpu0'], /--device: expected auto, cpu, .*got "gpu0"/],
    [['--threads', '0'], /--threads: expected a whole number from 1 to 1024, got 0/],
  ] as const) {
    it(`refuses ${flags.join(' ')} in its own words`, async () => {
      using folder = temporaryFolder();
      const words = ['worker', '--server', '127.0.0.1:1', '--home', folder.path, ...flags];
      const { code, stderr } = await runDss(words);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /usage:|Traceback/);
    });
  }
});
