/**
 * A port of a pod through a WebSocket (RFC 6455), as client libraries ask for it: the first byte of each message is a
 * channel, 0 for the data of the port and 1 for errors; each channel begins with the port's number. A pod's port is one
 * of this machine. `kubectl port-forward` speaks SPDY through a WebSocket instead, which only a real kubelet understands.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HOST_ADDRESS } from './node-config.js';

const PROTOCOL = 'v4.channel.k8s.io';
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODE = { binary: 2, close: 8, ping: 9, pong: 10 } as const;
const DATA = Buffer.from([0]);
const ERRORS = Buffer.from([1]);

export function forwardPort(request: IncomingMessage, client: Duplex, head: Buffer, port: number): void {
  const key = request.headers['sec-websocket-key'];
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(/,\s*/);
  if (key === undefined || !protocols.includes(PROTOCOL)) {
    client.end(`HTTP/1.1 400 Bad Request\r\n\r\nexpected a WebSocket that speaks ${PROTOCOL}`);
    return;
  }
  const accepted = createHash('sha1').update(`${key}${MAGIC}`).digest('base64');
  client.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accepted}\r\nSec-WebSocket-Protocol: ${PROTOCOL}\r\n\r\n`,
  );
  const number = Buffer.alloc(2);
  number.writeUInt16LE(port);
  for (const channel of [DATA, ERRORS]) client.write(frameOf(OPCODE.binary, Buffer.concat([channel, number])));
  carry(client, head, connect(port, HOST_ADDRESS));
}

function carry(client: Duplex, head: Buffer, pod: Socket): void {
  const close = () => {
    client.destroy();
    pod.destroy();
  };
  pod.on('data', (bytes) => {
    if (client.write(frameOf(OPCODE.binary, Buffer.concat([DATA, bytes])))) return;
    pod.pause();
    client.once('drain', () => pod.resume());
  });
  pod.on('error', ({ message }) => client.write(frameOf(OPCODE.binary, Buffer.concat([ERRORS, Buffer.from(message)]))));
  pod.on('close', () => client.end(frameOf(OPCODE.close, Buffer.alloc(0))));
  const frames = new FrameReader();
  const read = (bytes: Buffer): void => {
    for (const { opcode, payload } of frames.read(bytes)) {
      if (opcode === OPCODE.close) close();
      else if (opcode === OPCODE.ping) client.write(frameOf(OPCODE.pong, payload));
      // What continues a message begins with no channel; clients here send none in pieces.
      else if (opcode === OPCODE.binary && payload[0] === 0 && !pod.write(payload.subarray(1))) {
        client.pause();
        pod.once('drain', () => client.resume());
      }
    }
  };
  client.on('data', read);
  client.on('error', close);
  client.on('close', close);
  read(head);
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const first = 0x80 | opcode;
  if (payload.length < 126) return Buffer.concat([Buffer.from([first, payload.length]), payload]);
  const header = Buffer.alloc(10);
  header.writeUInt8(first, 0);
  header.writeUInt8(127, 1);
  header.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([header, payload]);
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Frames of clients: masked, each whole. */
  *read(bytes: Buffer): Generator<Frame> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const frame = this.#next();
      if (frame === null) return;
      yield frame;
    }
  }

  #next(): Frame | null {
    const bytes = this.#rest;
    if (bytes.length < 2) return null;
    const short = bytes.readUInt8(1) & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskAt = 2 + lengthBytes;
    if (bytes.length < maskAt + 4) return null;
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    const end = maskAt + 4 + length;
    if (bytes.length < end) return null;
    const mask = bytes.subarray(maskAt, maskAt + 4);
    const payload = Buffer.from(bytes.subarray(maskAt + 4, end));
    for (let at = 0; at < length; at += 1) payload[at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
    this.#rest = bytes.subarray(end);
    return { opcode: bytes.readUInt8(0) & 0x0f, payload };
  }
}
