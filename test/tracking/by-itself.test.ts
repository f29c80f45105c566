/** What a sweep feeds by itself, and that nothing of it is felt by the sweep. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { findPython } from '../../orchestrator/cli/python.js';
import { runDss, startDss, temporaryFolder } from '../support/dss.js';
import { askScript } from '../support/python-tools.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

describe('a sweep that feeds trackers by itself', () => {
  const folder = temporaryFolder();
  const home = join(folder.path, 'home');
  const words = (file: string) => ['sweep', file, '--home', home, '--datasets', DATASETS];
  after(() => folder[Symbol.dispose]());

  it('writes for TensorBoard, and ends well though no MLflow server is there', async () => {
    const file = writeTinySweep(folder.path, { methods: ['standard'] });
    const logs = join(folder.path, 'logs');
    const { code, stdout, stderr } = await runDss([...words(file), '--json'], {
      env: { MLFLOW_TRACKING_URI: 'http://ada:s3cret@127.0.0.1:1', DSS_TENSORBOARD_DIR: logs },
    });
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /^MLflow: not all was sent: MLflow at http:\/\/127\.0\.0\.1:1: connect ECONNREFUSED \S+; `dss tracking mlflow tiny` sends the rest$/m,
    );
    assert.match(stderr, /^TensorBoard: 2 of 2 trials in /m);
    assert.doesNotMatch(stdout + stderr, /s3cret/);
    JSON.parse(stdout);
    const runs = askScript(findPython(), new URL('./support/read_tensorboard.py', import.meta.url), [logs]) as Record<
      string,
      { scalars: object }
    >;
    assert.equal(Object.keys(runs).filter((run) => /\/seed-[01]$/.test(run)).length, 2);
    assert.ok(Object.values(runs).every(({ scalars }) => 'train/loss' in scalars));
  });

  it('says once that it cannot send to what is no server, and runs', async () => {
    const file = writeTinySweep(folder.path, { methods: ['standard'] });
    const { code, stderr } = await runDss(words(file), { env: { MLFLOW_TRACKING_URI: 'file:./mlruns' } });
    assert.equal(code, 0, stderr);
    assert.equal(stderr.match(/^MLflow: nothing is sent: .* got a folder \(only a server is sent to; /gm)?.length, 1);
  });

  it('is stopped by Ctrl-C while a server keeps silent', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    assert.ok(address !== null && typeof address !== 'string');
    const file = writeTinySweep(folder.path, { methods: ['standard'] });
    const sweep = startDss(words(file), { env: { MLFLOW_TRACKING_URI: `http://127.0.0.1:${address.port}` } });
    await once(silent, 'connection');
    sweep.process.kill('SIGINT');
    // The silent server would keep it for minutes, and it would say something else then.
    const { stderr } = await sweep.finished;
    assert.match(stderr, /^MLflow: stopped before all was sent; `dss tracking mlflow tiny` sends the rest$/m);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});
