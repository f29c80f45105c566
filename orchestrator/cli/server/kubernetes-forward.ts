/**
 * A port of this machine that leads into a pod, for as long as this process lives: what `kubectl port-forward` does in
 * a terminal of its own. The pod is looked for anew at each connection, so that one that was replaced is found again.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Transform, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeConfig, PortForward } from '@kubernetes/client-node';

export interface ForwardTarget {
  readonly pod: string;
  readonly port: number;
}

export interface ForwardOptions {
  readonly namespace: string;
  readonly config: () => KubeConfig;
  /** Rejects when there is no such pod now. */
  readonly target: () => Promise<ForwardTarget>;
  /** Why a connection could not be made, or broke off. */
  readonly onTrouble: (why: unknown) => void;
}

/** The part of a WebSocket of `ws` that is used; the library leaves it to its users to know which it is. */
interface Wire {
  readonly bufferedAmount: number;
  pause(): void;
  resume(): void;
  /** At once: a farewell would wait half a minute for an answer that does not come. */
  terminate(): void;
  on(event: 'close' | 'error', call: (reason?: unknown) => void): void;
  /** Its connection, which it gives in no other way. */
  readonly _socket?: Socket | null;
}

/** What may wait to be sent in either direction. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;
const LOOK_AGAIN_MS = 5;

/** Gives HOST:PORT. Neither that nor what goes through it keeps the process alive: whoever connects decides that. */
export async function forwardPort(options: ForwardOptions): Promise<string> {
  const server = createServer({ allowHalfOpen: false, noDelay: true }, (socket) => void carry(socket, options));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
}

async function carry(socket: Socket, { namespace, config, target, onTrouble }: ForwardOptions): Promise<void> {
  let wire: Wire | null = null;
  // A client that was closed while it came back may leave a connection behind that nothing goes through.
  socket.unref();
  const fail = (why: unknown) => {
    onTrouble(why);
    socket.destroy();
    wire?.terminate();
  };
  socket.on('error', () => wire?.terminate());
  socket.on('close', () => wire?.terminate());
  try {
    const { pod, port } = await target();
    const out = new Writable({
      write(chunk: Buffer, _encoding, done) {
        if (!socket.write(chunk)) {
          wire?.pause();
          socket.once('drain', () => wire?.resume());
        }
        done();
      },
    });
    const refused = new Writable({
      write(chunk: Buffer, _encoding, done) {
        if (chunk.length > 0) fail(new Error(chunk.toString('utf8').trim()));
        done();
      },
    });
    const slow = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        void untilSent(() => wire?.bufferedAmount ?? 0).then(() => done(null, chunk));
      },
    });
    // By the protocol a wire lives as long as one connection does; a new one is the client's to make.
    const opened: unknown = await new PortForward(config()).portForward(namespace, pod, [port], out, refused, slow);
    wire = opened as Wire;
    wire._socket?.unref();
    wire.on('close', () => socket.end());
    wire.on('error', fail);
    if (socket.destroyed) wire.terminate();
    else socket.pipe(slow);
  } catch (reason) {
    fail(reason);
  }
}

async function untilSent(waiting: () => number): Promise<void> {
  while (waiting() > HIGH_WATER_BYTES) await sleep(LOOK_AGAIN_MS);
}
