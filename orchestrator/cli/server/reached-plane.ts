/** The control plane that a command talks to: the same one after a restart, at whatever address it is then. */
import type { Client } from '../../control/client.js';
import type { PlaneInfo } from '../../control/reading-client.js';
import { SweepError } from '../../core/errors.js';
import { connectServer } from './connect-server.js';
import type { Server } from './find-server.js';

export class ReachedPlane implements Disposable {
  #client: Client;
  readonly info: PlaneInfo;
  readonly #find: () => Promise<Server | null>;

  private constructor(client: Client, info: PlaneInfo, find: () => Promise<Server | null>) {
    this.#client = client;
    this.info = info;
    this.#find = find;
  }

  /** @param findAgain where it is after a restart; `null`: it does not run */
  static async reach(server: Server, findAgain: () => Promise<Server | null>): Promise<ReachedPlane> {
    const { client, info } = await connectServer(server);
    return new ReachedPlane(client, info, findAgain);
  }

  /** The newest. */
  get client(): Client {
    return this.#client;
  }

  /** @throws SweepError UNAVAILABLE while it does not run */
  async again(): Promise<Client> {
    const server = await this.#find();
    if (server === null) throw new SweepError('UNAVAILABLE', 'no control plane runs');
    const { client } = await connectServer(server);
    this.#client.close();
    this.#client = client;
    return client;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
