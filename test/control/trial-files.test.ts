import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LeaseRef, Trial } from '../../orchestrator/core/domain.js';
import type { StoredFile } from '../../orchestrator/core/stored-file.js';
import type { Report } from '../../orchestrator/core/worker-message.js';
import { storePaths } from '../../orchestrator/store/store-paths.js';
import { storedFile } from '../support/bytes.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import type { ScriptedWorker } from '../support/scripted-worker.js';
import { StoreCalls } from '../support/store-calls.js';
import { failureOf, resultOf, trialIdOf, trialOf } from '../support/trials.js';

const TRIAL = trialIdOf(1);

/** Of one step: what both have in common, and what they have not. */
function contentsAt(step: number): ReadonlyMap<string, Buffer> {
  return new Map([
    ['tensors.safetensors', Buffer.from(`tensors of step ${step}`)],
    ['state.json', Buffer.from('{"the same": "at each step"}')],
  ]);
}

describe('files of a trial that a worker elsewhere sends', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let test: TestPlane;
  let calls: StoreCalls[];

  const start = async () => {
    // It serves, so that attempts outlive it.
    test = await TestPlane.start({ home: folder.path, serves: true, joinToken: 'pool' });
  };
  beforeEach(async () => {
    folder = temporaryFolder();
    calls = [];
    await start();
  });
  afterEach(async () => {
    for (const each of calls) each.close();
    await test[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const submit = (run: Partial<Trial['run']> = {}) => {
    const trial = trialOf(1);
    return test.client.submit('a', [{ ...trial, run: { ...trial.run, ...run } }], { retryFailed: true });
  };
  const store = (workerId = 'far'): StoreCalls => {
    const address = test.plane.storeAddress ?? assert.fail('there is no store');
    const each = new StoreCalls({ address, token: 'pool', workerId });
    calls.push(each);
    return each;
  };
  const joins = (workerId = 'far', running: readonly LeaseRef[] = []) => test.worker({ workerId, running });
  const send = async (contents: ReadonlyMap<string, Buffer>, workerId = 'far'): Promise<readonly StoredFile[]> => {
    const files = [...contents].map(([path, bytes]) => storedFile(bytes, path));
    for (const bytes of contents.values()) await store(workerId).put(TRIAL, bytes);
    return files;
  };
  const tell = (worker: ScriptedWorker, report: Report) => worker.acknowledged(worker.report(report));
  const checkpoint = async (worker: ScriptedWorker, lease: LeaseRef, step: number, workerId = 'far') => {
    const files = await send(contentsAt(step), workerId);
    await tell(worker, { kind: 'checkpoint', lease, step, path: `step-${step}`, files });
    return { step, path: `step-${step}`, files };
  };
  const stored = () => (existsSync(scope()) ? readdirSync(scope()).sort() : []);
  const scope = () => join(storePaths(folder.path).trials, TRIAL);
  const own = (...names: string[]) => join(folder.path, 'trials', TRIAL, ...names);
  const digests = (files: readonly StoredFile[]) => files.map(({ sha256 }) => sha256).sort();

  it('let another worker go on from the newest checkpoint, and no older one stays', async () => {
    await submit();
    const first = joins();
    const { lease } = await first.next('assign');
    await checkpoint(first, lease, 10);
    const newest = await checkpoint(first, lease, 20);
    assert.deepEqual(stored(), digests(newest.files));
    assert.deepEqual(readdirSync(own('checkpoints')), ['step-20']);
    await tell(first, { kind: 'drained' });
    const assigned = await joins('another').next('assign');
    assert.deepEqual(assigned.checkpoint, newest);
    for (const { path, sha256 } of newest.files) {
      assert.deepEqual(await store('another').get(TRIAL, sha256), contentsAt(20).get(path));
      assert.deepEqual(readFileSync(own('checkpoints', 'step-20', path)), contentsAt(20).get(path), 'here too');
    }
  });

  it('are no checkpoint where they did not all arrive', async () => {
    await submit();
    const worker = joins();
    const { lease } = await worker.next('assign');
    const older = await checkpoint(worker, lease, 10);
    const files = [...(await send(contentsAt(20))), storedFile(Buffer.from('never sent'), 'manifest.json')];
    await tell(worker, { kind: 'checkpoint', lease, step: 20, path: 'step-20', files });
    await tell(worker, { kind: 'failed', lease, failure: failureOf('lost') });
    assert.deepEqual((await worker.next('assign')).checkpoint, older);
    assert.deepEqual(stored(), digests(older.files), 'what arrived in vain is gone');
  });

  it('count for nothing under a lease that is not current', async () => {
    await submit();
    const worker = joins();
    const { lease } = await worker.next('assign');
    const known = await checkpoint(worker, lease, 10);
    await tell(worker, { kind: 'failed', lease, failure: failureOf('lost') });
    const next = await worker.next('assign');
    const files = await send(contentsAt(99));
    await tell(worker, { kind: 'checkpoint', lease, step: 99, path: 'step-99', files });
    const kept = await send(new Map([['rationales.jsonl', Buffer.from('of an old attempt')]]));
    await tell(worker, { kind: 'finished', lease, result: resultOf(0.5), files: kept });
    assert.equal(existsSync(own('rationales.jsonl')), false);
    await tell(worker, { kind: 'failed', lease: next.lease, failure: failureOf('lost') });
    assert.deepEqual((await worker.next('assign')).checkpoint, known);
  });

  it('are, when it has succeeded, where they are on one machine, and its checkpoints are gone', async () => {
    await submit({ keep: 'best', outputRationale: true });
    const worker = joins();
    const { lease } = await worker.next('assign');
    await checkpoint(worker, lease, 10);
    mkdirSync(own('model'), { recursive: true });
    writeFileSync(own('model', 'old.bin'), 'of an older result');
    const kept = new Map([
      ['model/config.json', Buffer.from('{}')],
      ['model/deep/weights.bin', Buffer.from('weights')],
      ['rationales.jsonl', Buffer.from('because')],
    ]);
    await tell(worker, { kind: 'finished', lease, result: resultOf(0.5), files: await send(kept) });
    for (const [path, bytes] of kept) assert.deepEqual(readFileSync(own(path)), bytes);
    assert.deepEqual(readdirSync(own('model')).sort(), ['config.json', 'deep']);
    assert.deepEqual(readdirSync(own()).sort(), ['model', 'rationales.jsonl']);
    assert.equal(existsSync(scope()), false);
  });

  it('stay as checkpoints where they are to be kept', async () => {
    await submit({ keepCheckpoints: true });
    const worker = joins();
    const { lease } = await worker.next('assign');
    const files = await send(contentsAt(10));
    worker.report({ kind: 'checkpoint', lease, step: 10, path: 'step-10', files });
    await tell(worker, { kind: 'finished', lease, result: resultOf(0.5) }); // both within one turn
    assert.deepEqual(readdirSync(own('checkpoints', 'step-10')).sort(), [...contentsAt(10).keys()].sort());
    assert.equal(existsSync(scope()), false);
  });

  it('are sent anew by another attempt where what is kept did not arrive', async () => {
    await submit({ keep: 'best' });
    const worker = joins();
    const { lease } = await worker.next('assign');
    const known = await checkpoint(worker, lease, 10);
    const files = [storedFile(Buffer.from('never sent'), 'model/config.json')];
    await tell(worker, { kind: 'finished', lease, result: resultOf(0.5), files });
    const record = await test.client.trial(TRIAL);
    assert.deepEqual(
      [record.state, record.failure?.code, record.failure?.kind],
      ['queued', 'NOT_KEPT', 'infrastructure'],
    );
    assert.equal(existsSync(own('model')), false);
    assert.deepEqual(stored(), digests(known.files));
  });

  it("cannot leave the trial's folder, or take it apart", async () => {
    await submit({ keep: 'best' });
    for (const path of ['../../journal.db', '/etc/passwd', 'a/../../b', 'C:/x', 'a\\b', '']) {
      const worker = joins(`far-${path.length}`);
      const { lease } = await worker.next('assign');
      const files = [storedFile(Buffer.from('x'), path)];
      worker.report({ kind: 'finished', lease, result: resultOf(0.5), files });
      assert.match(await worker.ended, /expected a relative path/);
      worker.close();
      await test.client.cancel('a');
      await test.client.retry('a', { onlyFailed: false });
    }
  });

  it('of a failed trial stay for `dss retry`', async () => {
    await submit();
    const worker = joins();
    const { lease } = await worker.next('assign');
    const known = await checkpoint(worker, lease, 10);
    await tell(worker, { kind: 'failed', lease, failure: failureOf('user') });
    assert.equal((await test.client.trial(TRIAL)).state, 'failed');
    assert.deepEqual(readdirSync(own('checkpoints')), ['step-10']);
    await test.client.retry('a', { onlyFailed: true });
    assert.deepEqual((await worker.next('assign')).checkpoint, known);
  });

  for (const keepCheckpoints of [false, true]) {
    const what = keepCheckpoints ? 'stay where they are to be kept' : 'go, those of this machine too';
    it(`of a cancelled trial ${what}`, async () => {
      await submit({ keepCheckpoints });
      const worker = joins();
      const { lease } = await worker.next('assign');
      await checkpoint(worker, lease, 10);
      await test.client.cancel('a');
      await worker.next('cancel');
      await test.client.list(); // what follows from it is done when it answers again
      assert.equal(existsSync(own('checkpoints')), keepCheckpoints);
      assert.equal(existsSync(scope()), false);
    });
  }

  it('of a cancelled trial that ran on this machine go too', async () => {
    await submit();
    await joins().next('assign');
    mkdirSync(own('checkpoints', 'step-10'), { recursive: true });
    await test.client.cancel('a');
    await test.client.list();
    assert.equal(existsSync(own('checkpoints')), false);
  });

  it('outlive the control plane: what was sent is named to the next', async () => {
    await submit({ keep: 'best' });
    const worker = joins();
    const { lease } = await worker.next('assign');
    const known = await checkpoint(worker, lease, 10);
    await send(new Map([['model/config.json', Buffer.from('{}')]]));
    await test[Symbol.asyncDispose]();
    await start();
    // An orderly stop takes back what runs: nobody is about to name what was sent.
    const again = await joins().next('assign');
    assert.deepEqual(again.checkpoint, known);
    assert.deepEqual(stored(), digests(known.files), 'what nobody had named is gone');
  });
});
