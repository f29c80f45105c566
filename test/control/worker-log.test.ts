import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { TestPlane } from '../support/control-planes.js';
import { trialsOf } from '../support/trials.js';

type Line = Readonly<Record<string, unknown>>;

describe('what attempts print', () => {
  const planeWith = (lines: Line[]) =>
    TestPlane.start({ workerLog: pino({ base: null }, { write: (text: string) => lines.push(JSON.parse(text)) }) });

  it('is carried over into one log, with the trial, the attempt and the worker, on one line each', async () => {
    const lines: Line[] = [];
    await using plane = await planeWith(lines);
    await plane.client.submit('s', trialsOf(1), { retryFailed: false });
    const worker = plane.worker({ workerId: 'gpu-1' });
    const { lease } = await worker.next('assign');
    const said = [
      { unixMs: 1_000, stream: 'stdout' as const, text: 'step 1' },
      { unixMs: 2_000, stream: 'stderr' as const, text: 'a\nb \u001b[31m\u202e' },
      { unixMs: 3_000, stream: 'dss' as const, text: 'x'.repeat(20_000) },
    ];
    await worker.acknowledged(worker.report({ kind: 'log', lease, lines: said, dropped: 7 }));
    const { trialId } = lease;
    const own = { trialId, attempt: 1, workerId: 'gpu-1' };
    const seen = lines.map(({ level: _1, time: _2, ...rest }) => rest);
    assert.deepEqual(seen, [
      { ...own, stream: 'stdout', atUnixMs: 1_000, msg: 'step 1' },
      { ...own, stream: 'stderr', atUnixMs: 2_000, msg: 'a\\nb \\u001b[31m\\u202e' },
      { ...own, stream: 'dss', atUnixMs: 3_000, msg: 'x'.repeat(8_192) },
      { ...own, dropped: 7, msg: 'lines were left out: too many at once' },
    ]);
    const logs = join(plane.home, 'logs');
    assert.match(readFileSync(join(logs, readdirSync(logs)[0] ?? ''), 'utf8'), /attempt=1 stdout \| step 1\n/);
  });

  it('is taken from nobody who does not run the attempt', async () => {
    const lines: Line[] = [];
    await using plane = await planeWith(lines);
    await plane.client.submit('s', trialsOf(1), { retryFailed: false });
    const worker = plane.worker({ workerId: 'gpu-1' });
    const { lease } = await worker.next('assign');
    const said = [{ unixMs: 1, stream: 'stdout' as const, text: 'forged' }];
    const other = plane.worker({ workerId: 'gpu-2' });
    await other.next('welcome');
    await other.acknowledged(other.report({ kind: 'log', lease, lines: said, dropped: 0 }));
    const stale = { ...lease, token: lease.token + 1n };
    await worker.acknowledged(worker.report({ kind: 'log', lease: stale, lines: said, dropped: 0 }));
    assert.deepEqual(lines, []);
  });
});
