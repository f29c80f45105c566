/**
 * The address of a Service, in the place of kube-proxy: an address of the test run's own network, on which this process
 * takes connections and hands each on to what stands behind the Service then.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `null`: there is none. */
export type FindEndpoint = () => Promise<Endpoint | null>;

export class ServiceAddress {
  readonly #address: string;
  readonly #servers: readonly Server[];
  readonly #sockets = new Set<Socket>();

  private constructor(address: string, ports: Readonly<Record<number, FindEndpoint>>) {
    this.#address = address;
    execFileSync('ip', ['address', 'replace', `${address}/32`, 'dev', 'lo']);
    this.#servers = Object.entries(ports).map(([port, find]) =>
      createServer((socket) => void this.#handOn(socket, find)).listen(Number(port), address),
    );
  }

  /** Each of `ports` is one of the Service. */
  static async open(address: string, ports: Readonly<Record<number, FindEndpoint>>): Promise<ServiceAddress> {
    const service = new ServiceAddress(address, ports);
    await Promise.all(service.#servers.map((server) => once(server, 'listening')));
    return service;
  }

  async close(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
    execFileSync('ip', ['address', 'delete', `${this.#address}/32`, 'dev', 'lo']);
  }

  async #handOn(from: Socket, find: FindEndpoint): Promise<void> {
    this.#keep(from);
    const endpoint = await find().catch(() => null);
    if (endpoint === null || from.destroyed) return void from.destroy();
    const to = connect(endpoint);
    this.#keep(to);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on('close', () => other.destroySoon());
      one.pipe(other);
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
