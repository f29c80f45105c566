import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { sendFilesOf } from '../../orchestrator/cli/server/upload-files.js';
import { filesOf, type LocalFile, uploadFiles } from '../../orchestrator/control/store-client.js';
import type { Trial } from '../../orchestrator/core/domain.js';
import { storedFile } from '../support/bytes.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { StoreCalls } from '../support/store-calls.js';
import { trialOf } from '../support/trials.js';

const FILES = new Map([
  ['config.json', Buffer.from('{"d_model": 8}')],
  ['model.safetensors', Buffer.alloc(3 * 2 ** 20 + 5, 'weights')],
  ['spiece.model', Buffer.from('tokens')],
]);
const [, WEIGHTS, TOKENS] = [...FILES].map(([path, bytes]) => storedFile(bytes, path));

describe('whoever submits from another machine', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let test: TestPlane;
  let trial: Trial;
  beforeEach(async () => {
    folder = temporaryFolder();
    const directory = join(folder.path, 'model');
    mkdirSync(directory);
    for (const [path, bytes] of FILES) writeFileSync(join(directory, path), bytes);
    const files = [...FILES].map(([path, bytes]) => ({ ...storedFile(bytes, path), role: 'weights' as const }));
    const plain = trialOf(1);
    trial = { ...plain, model: { directory, files }, dataset: { ...plain.dataset, files: [] } };
    test = await TestPlane.start();
  });
  afterEach(async () => {
    await test[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const at = () => ({ address: test.plane.storeAddress ?? assert.fail('no store'), token: test.plane.clientToken });
  const path = (name: string) => join(folder.path, 'model', name);
  const missing = async (): Promise<number> => {
    const calls = new StoreCalls(at());
    try {
      return (await calls.missing('', filesOf([trial]))).length;
    } finally {
      calls.close();
    }
  };

  it('sends each file once, and none that is there', async () => {
    const files = filesOf([trial, { ...trial, model: { ...trial.model } }]);
    assert.deepEqual(
      files.map((file) => file.path),
      [...FILES.keys()].map(path),
    );
    await uploadFiles(files.slice(0, 1), at());
    const told: string[] = [];
    const sent = await uploadFiles(files, at(), {
      tell: (file, index, { length }) => told.push(`${file.sizeBytes} ${index} ${length}`),
    });
    assert.deepEqual(
      sent.map(({ sha256 }) => sha256),
      [WEIGHTS?.sha256, TOKENS?.sha256],
    );
    assert.deepEqual(told, [`${WEIGHTS?.sizeBytes} 0 2`, `${TOKENS?.sizeBytes} 1 2`]);
    assert.equal(await missing(), 0);
    assert.deepEqual(await uploadFiles(files, at()), []);
  });

  const CHANGES: readonly [string, (file: string) => void, RegExp][] = [
    [
      'longer',
      (file) => writeFileSync(file, 'x', { flag: 'a' }),
      /model\.safetensors is not what .*: \d+ bytes, expected/,
    ],
    [
      'another of the same length',
      (file) => writeFileSync(file, Buffer.alloc(3 * 2 ** 20 + 5)),
      /model\.safetensors is not/,
    ],
    ['gone', (file) => rmSync(file), /model\.safetensors is not what .*ENOENT/],
  ];
  for (const [what, change, message] of CHANGES) {
    it(`is told which file is ${what} since it was planned with, and to plan again`, async () => {
      change(path('model.safetensors'));
      await assert.rejects(uploadFiles(filesOf([trial]), at()), {
        code: 'STORE_MISMATCH',
        message,
        hint: /run the command again/,
      });
      assert.equal(await missing(), 2, 'what came before it is there');
    });
  }

  it('leaves when told to, and goes on with what has not arrived', async () => {
    const leave = new AbortController();
    const upload = {
      signal: leave.signal,
      tell: ({ sha256 }: LocalFile) => {
        if (sha256 === WEIGHTS?.sha256) setImmediate(() => leave.abort());
      },
    };
    await assert.rejects(uploadFiles(filesOf([trial]), at(), upload), { name: 'AbortError' });
    assert.equal(await missing(), 2);
    assert.equal((await uploadFiles(filesOf([trial]), at())).length, 2);
  });

  it('hears why the other side takes nothing', async () => {
    await using full = await TestPlane.start({ spareBytes: Number.MAX_SAFE_INTEGER });
    const address = full.plane.storeAddress ?? '';
    await assert.rejects(uploadFiles(filesOf([trial]), { address, token: full.plane.clientToken }), {
      code: 'STORE_FULL',
    });
    await assert.rejects(uploadFiles(filesOf([trial]), { address, token: 'guess' }), { code: 'AUTH_INVALID' });
    const closed = await freePort();
    await assert.rejects(uploadFiles(filesOf([trial]), { ...at(), address: closed }), { code: 'UNAVAILABLE' });
  });

  describe('by a command', () => {
    const send = async (changes: { readonly host?: string; readonly storePort?: number } = {}) => {
      const info = { ...(await test.client.info()), ...changes };
      const lines: string[] = [];
      const { address, clientToken: token } = test.plane;
      await sendFilesOf([trial], { address, token, info }, (line) => lines.push(line), new AbortController().signal);
      return lines;
    };

    it('sends nothing to a control plane of this very machine', async () => {
      assert.deepEqual(await send(), []);
      assert.equal(await missing(), 3);
    });

    it('sends to another one, and says what', async () => {
      const lines = await send({ host: 'far-away' });
      assert.equal(lines[0], 'sending 3 files (3.0 MiB) that far-away does not have');
      assert.match(lines[2] ?? '', /^ {2}2 of 3: .*model\.safetensors \(3\.0 MiB\)$/);
      assert.equal(await missing(), 0);
      assert.deepEqual(await send({ host: 'far-away' }), []);
    });

    it('is told what goes without a store', async () => {
      const [line] = await send({ host: 'far-away', storePort: 0 });
      assert.match(line ?? '', /begins at step 0/);
      assert.equal(await missing(), 3);
    });
  });
});

/** HOST:PORT where nobody listens. */
async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}
