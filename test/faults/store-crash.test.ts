/** A control plane that is killed while files come, or between a result and what follows from it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, connectClient } from '../../orchestrator/control/client.js';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import { storePaths } from '../../orchestrator/store/store-paths.js';
import { storedFile } from '../support/bytes.js';
import { type RunningDss, startDss, temporaryFolder } from '../support/dss.js';
import { ScriptedWorker } from '../support/scripted-worker.js';
import { StoreCalls } from '../support/store-calls.js';
import { resultOf, trialIdOf, trialOf } from '../support/trials.js';

const TRIAL = trialIdOf(1);
const WEIGHTS = Buffer.alloc(3 * 2 ** 20, 'weights ');
const FILE = storedFile(WEIGHTS, 'model/model.safetensors');

describe('the store of a control plane that is killed', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;
  let running: RunningDss | null;
  let open: { close(): void }[];
  beforeEach(() => {
    folder = temporaryFolder();
    home = join(folder.path, 'home');
    open = [];
  });
  afterEach(async () => {
    for (const each of open) each.close();
    running?.process.kill('SIGKILL');
    await running?.finished;
    folder[Symbol.dispose]();
  });

  /** What was open closes with the test. */
  const opened = <T extends { close(): void }>(each: T): T => {
    open.push(each);
    return each;
  };
  const serve = async (failpoint = '') => {
    running = startDss(['serve', '--home', home, '--listen', '127.0.0.1:0'], { env: { DSS_FAILPOINT: failpoint } });
    await running.lineOnStderr((line) => line.startsWith('workers:'));
    const control = readFileSync(join(home, 'control.json'), 'utf8');
    const { address, clientToken: token } = JSON.parse(control) as { address: string; clientToken: string };
    const joinToken = readFileSync(join(home, 'join-token'), 'utf8').trim();
    const client: Client = opened(connectClient({ address, token }));
    const store = `127.0.0.1:${(await client.info()).storePort}`;
    return {
      client,
      person: opened(new StoreCalls({ address: store, token })),
      worker: (held: readonly LeaseRef[] = []) =>
        opened(new ScriptedWorker({ address, joinToken, hello: { workerId: 'far', running: held } })),
      far: () => opened(new StoreCalls({ address: store, token: joinToken, workerId: 'far' })),
    };
  };
  const killed = async () => {
    const { signal, stderr } = (await running?.finished) ?? assert.fail('it does not run');
    assert.equal(signal, 'SIGKILL', stderr);
  };

  it('has nothing of a file that was on its way, and all of one that was answered for', async () => {
    const first = await serve();
    const whole = Buffer.from('{}');
    await first.person.put('', whole);
    const sending = first.person.putSlowly('', FILE);
    sending.send(WEIGHTS.subarray(0, 2 ** 20));
    const files = () => readdirSync(storePaths(home).files, { recursive: true, encoding: 'utf8' });
    while (!files().some((name) => name.endsWith('.part'))) await new Promise(setImmediate);
    running?.process.kill('SIGKILL');
    await killed();
    await assert.rejects(sending.end());

    const { person } = await serve();
    assert.equal(files().filter((name) => name.endsWith('.part')).length, 0);
    assert.deepEqual(await person.missing('', [FILE, storedFile(whole)]), [FILE.sha256]);
    await person.put('', WEIGHTS);
    assert.ok((await person.get('', FILE.sha256)).equals(WEIGHTS));
  });

  it('has what is kept of a trial in its place, and no checkpoint, though it died before it could tell anybody', async () => {
    const first = await serve('before-acknowledge:sigkill:2');
    const trial = trialOf(1);
    await first.client.submit('a', [{ ...trial, run: { ...trial.run, keep: 'best' } }], { retryFailed: false });
    const worker = first.worker();
    const { lease } = await worker.next('assign');
    await first.far().put(TRIAL, WEIGHTS);
    const checkpoint = Buffer.from('{"step": 10}');
    await first.far().put(TRIAL, checkpoint);
    const files = [storedFile(checkpoint, 'state.json')];
    await worker.acknowledged(worker.report({ kind: 'checkpoint', lease, step: 10, path: 'step-10', files }));
    worker.report({ kind: 'finished', lease, result: resultOf(0.5), files: [FILE] });
    await killed();
    const scope = join(storePaths(home).trials, TRIAL);
    assert.equal(existsSync(scope), true);

    const { client } = await serve();
    assert.equal((await client.trial(TRIAL)).state, 'succeeded');
    assert.ok(readFileSync(join(home, 'trials', TRIAL, FILE.path)).equals(WEIGHTS));
    assert.deepEqual(readdirSync(join(home, 'trials', TRIAL)), ['model']);
    assert.equal(existsSync(scope), false);
  });

  it('still has what was sent and not named when its worker comes back and names it', async () => {
    const first = await serve();
    const trial = trialOf(1);
    await first.client.submit('a', [{ ...trial, run: { ...trial.run, keep: 'best' } }], { retryFailed: false });
    const { lease } = await first.worker().next('assign');
    await first.far().put(TRIAL, WEIGHTS);
    running?.process.kill('SIGKILL');
    await killed();

    const { client, worker } = await serve();
    const back = worker([lease]);
    const finished = { kind: 'finished', lease, result: resultOf(0.5), files: [FILE] } as const;
    await back.acknowledged(back.report(finished));
    assert.equal((await client.trial(TRIAL)).state, 'succeeded');
    assert.ok(readFileSync(join(home, 'trials', TRIAL, FILE.path)).equals(WEIGHTS));
  });
});
