/** What somebody may send who speaks HTTP/2 and means no good, or does not know better. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { TestPlane } from '../support/control-planes.js';
import { trialsOf } from '../support/trials.js';

const CONNECT = '/dss.v1.WorkerService/Connect';
const LIST = '/dss.v1.ClientService/List';

/** A gRPC frame: a flag, a length, the message. */
function frame(message: Buffer, { flag = 0, length = message.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

describe('a peer that sends what no client of ours would', () => {
  let test: TestPlane;
  let session: ClientHttp2Session;

  beforeEach(async () => {
    test = await TestPlane.start();
    session = connect(`http://${test.plane.address}`);
    session.on('error', () => {});
  });

  afterEach(async () => {
    session.destroy();
    await test[Symbol.asyncDispose]();
  });

  const open = (path: string, headers: Readonly<Record<string, string>> = {}): ClientHttp2Stream => {
    const token = path === CONNECT ? test.plane.joinToken : test.plane.clientToken;
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${token}`,
      ...headers,
    });
    stream.on('error', () => {});
    return stream;
  };

  /** The gRPC status that the stream ends with, or how HTTP/2 ended it. */
  const ended = async (stream: ClientHttp2Stream): Promise<string> => {
    let status: string | undefined;
    const note = (headers: Readonly<Record<string, unknown>>) => {
      if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status']);
      else if (headers[':status'] !== 200) status ??= `HTTP ${String(headers[':status'])}`;
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.resume();
    // Its own half stays open until it says so itself, which is why the end of the other half is what counts.
    await new Promise<void>((resolve) => stream.on('end', resolve).on('close', resolve));
    stream.destroy();
    return status ?? `reset ${stream.rstCode}`;
  };

  /** Others are served as before. */
  const othersLive = async () => {
    const worker = test.worker({ workerId: 'good' });
    await worker.next('welcome');
    assert.equal((await test.client.submit('a', trialsOf(1), { retryFailed: false })).toRun, 1);
    assert.equal((await worker.next('assign')).lease.attempt, 1);
  };

  const RESOURCE_EXHAUSTED = '8';

  it('is told off for a message that says it is larger than may be, and no memory is set aside for it', async () => {
    const before = process.memoryUsage().rss;
    const streams = Array.from({ length: 20 }, () => {
      const stream = open(CONNECT);
      stream.write(frame(Buffer.alloc(10), { length: 0xffff_fff0 }));
      return ended(stream);
    });
    assert.deepEqual(new Set(await Promise.all(streams)), new Set([RESOURCE_EXHAUSTED]));
    assert.ok(process.memoryUsage().rss - before < 128 * 2 ** 20);
    await othersLive();
  });

  it('is told off for a small message that unpacks into a large one', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 2 ** 20));
    assert.ok(bomb.length < 2 ** 20);
    for (const path of [CONNECT, LIST]) {
      const stream = open(path, { 'grpc-encoding': 'gzip' });
      stream.write(frame(bomb, { flag: 1 }));
      assert.equal(await ended(stream), RESOURCE_EXHAUSTED);
    }
    await othersLive();
  });

  const nonsense: readonly (readonly [string, Buffer, Readonly<Record<string, string>>])[] = [
    ['is no protocol buffer', frame(Buffer.from('ff'.repeat(40), 'hex')), {}],
    ['nests deeper than any of ours', frame(nested(20_000)), {}],
    [
      'says that it is compressed, in no way that is known',
      frame(Buffer.from('zzzz'), { flag: 1 }),
      { 'grpc-encoding': 'nothing' },
    ],
    ['says that it is compressed, and is not', frame(Buffer.from('plain'), { flag: 1 }), { 'grpc-encoding': 'gzip' }],
    ['has a flag that means nothing', frame(Buffer.from('x'), { flag: 7 }), {}],
  ];
  for (const [what, bytes, headers] of nonsense) {
    it(`loses its own stream for a message that ${what}, and nobody else does`, async () => {
      const stream = open(CONNECT, headers);
      stream.write(bytes);
      const status = await ended(stream);
      assert.notEqual(status, '0');
      await othersLive();
    });
  }

  it('may end in the middle of a message', async () => {
    const stream = open(CONNECT);
    stream.end(frame(Buffer.alloc(10), { length: 1_000 }));
    await ended(stream);
    await othersLive();
  });

  it('may break off in the middle of a frame, without a word', async () => {
    const stream = open(CONNECT);
    stream.write(frame(Buffer.alloc(10), { length: 1_000 }));
    await once(stream, 'ready').catch(() => {});
    session.destroy();
    await othersLive();
  });

  it('gets no answer but a status for a path, a method or a content that does not exist', async () => {
    const wrong = [
      open('/dss.v1.ClientService/Nothing'),
      open('/../../etc/passwd'),
      session.request({ ':method': 'GET', ':path': LIST, authorization: 'x' }),
      open(LIST, { 'content-type': 'text/html' }),
    ];
    for (const stream of wrong) {
      stream.on('error', () => {});
      stream.end();
      assert.notEqual(await ended(stream), '0');
    }
    await othersLive();
  });
});

/** A field of length-delimited fields, one in the other. */
function nested(depth: number): Buffer {
  let inner = Buffer.alloc(0);
  for (let level = 0; level < depth; level += 1) {
    const length: number[] = [];
    for (let rest = inner.length; ; rest >>>= 7) {
      if (rest < 0x80) {
        length.push(rest);
        break;
      }
      length.push((rest & 0x7f) | 0x80);
    }
    inner = Buffer.concat([Buffer.from([0x12, ...length]), inner]);
    if (inner.length > 2 ** 20) break;
  }
  return inner;
}
