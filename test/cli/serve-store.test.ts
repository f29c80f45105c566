import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runDss, startDss, temporaryFolder } from '../support/dss.js';

describe('dss serve', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder[Symbol.dispose]());

  const words = (...more: string[]) => [
    'serve',
    '--home',
    join(folder.path, 'home'),
    '--listen',
    '127.0.0.1:0',
    ...more,
  ];
  /** What it says of files, before it is told to end. */
  const said = async (...more: string[]): Promise<string> => {
    const dss = startDss(words(...more));
    const line = await dss.lineOnStderr((each) => each.startsWith('files:'));
    dss.process.kill('SIGINT');
    await dss.finished;
    return line;
  };

  it('says where files are, or that none travel', async () => {
    assert.match(await said(), /^files: +at 127\.0\.0\.1:\d+$/);
    assert.match(await said('--store-listen', 'off'), /none travel; workers need them at the same paths/);
  });

  it('names the flag where another program has the port for files', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, stderr } = await runDss(words('--store-listen', `127.0.0.1:${port}`));
    other.close();
    assert.equal(code, 75, stderr);
    assert.match(stderr, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`));
    assert.match(stderr, /--store-listen names another one, or is off/);
  });

  it('names the port that was asked for where another server has that one and the next', async () => {
    const first = startDss(words());
    const at = /127\.0\.0\.1:(\d+)/;
    const said = once(first.process.stdout as NodeJS.ReadableStream, 'data');
    const port = at.exec(String(await said))?.[1] ?? '';
    const second = ['serve', '--home', join(folder.path, 'second'), '--listen', `127.0.0.1:${port}`];
    const { code, stderr } = await runDss(second);
    first.process.kill('SIGINT');
    await first.finished;
    assert.equal(code, 75);
    const line = `error: cannot listen on 127.0.0.1:${port}: port ${port} is taken`;
    assert.ok(stderr.startsWith(`${line}\n  another server has it, perhaps a \`dss serve\`; --listen names`), stderr);
  });

  for (const host of ['localhost', '127.0.0.1']) {
    it(`says of --listen ${host} that the port is missing`, async () => {
      const { code, stderr } = await runDss(['serve', '--home', folder.path, '--listen', host]);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`"${host}" is refused: expected HOST:PORT\\n {2}add the port: ${host}:7333`));
    });
  }

  it('refuses a place for files that is no place', async () => {
    const { code, stderr } = await runDss(words('--store-listen', 'on'));
    assert.equal(code, 2, stderr);
    assert.match(stderr, /a store at "on" is refused: expected HOST:PORT or off/);
  });

  for (const [flag, value] of [
    ['--listen', '127.0.0.1:80000'],
    ['--listen', '17440'],
    ['--listen', 'http://127.0.0.1:17440'],
    ['--store-listen', '127.0.0.1:99999'],
    ['--health-listen', '127.0.0.1:99999'],
  ] as const) {
    it(`refuses ${flag} ${value}, which is no address`, async () => {
      const listen = flag === '--listen' ? [] : ['--listen', '127.0.0.1:0'];
      const { code, stderr } = await runDss(['serve', '--home', folder.path, ...listen, flag, value]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^error: .*expected HOST:PORT.*\n {2}such as 127\.0\.0\.1:7333; ports go to 65535/);
    });
  }
});
