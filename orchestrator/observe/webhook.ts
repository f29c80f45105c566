/**
 * Sends a small JSON to an address that the person who started the control plane named. By https, to hosts of a list,
 * to addresses that are checked when the connection is made (a name may point elsewhere by then), and no further: an
 * answer that redirects is a failure.
 */
import { lookup } from 'node:dns';
import { type RequestOptions, request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { SweepError } from '../core/errors.js';
import { isPublicAddress } from './public-address.js';

export interface WebhookOptions {
  /** A secret: whoever has it can send. */
  readonly url: string;
  /** Names that it may go to. */
  readonly hosts: readonly string[];
  readonly mayReach?: (address: string) => boolean;
  /** PEM, besides those that the system trusts. */
  readonly ca?: Buffer;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

export class Webhook {
  readonly #url: URL;
  readonly #options: WebhookOptions;
  readonly #mayReach: (address: string) => boolean;

  /** @throws SweepError USAGE */
  constructor(options: WebhookOptions) {
    this.#url = checkedUrl(options);
    this.#options = options;
    this.#mayReach = options.mayReach ?? isPublicAddress;
  }

  /** Without what is secret of it. */
  get place(): string {
    return this.#url.host;
  }

  /** @throws Error saying what went wrong, never with the address */
  send(body: object): Promise<void> {
    const text = JSON.stringify(body);
    const { hostname } = this.#url;
    const literal = hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(literal) !== 0 && !this.#mayReach(literal)) return Promise.reject(refused());
    const options: RequestOptions = {
      method: 'POST',
      lookup: this.#lookup,
      timeout: this.#options.timeoutMs ?? TIMEOUT_MS,
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), 'User-Agent': 'dss' },
      agent: false,
      ...(this.#options.ca === undefined ? {} : { ca: this.#options.ca }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(this.#url, options, ({ statusCode = 0, socket }) => {
        socket.destroy(); // whatever it says further
        if (statusCode >= 200 && statusCode < 300) resolve();
        else
          reject(
            new Error(
              `it answered ${statusCode}${statusCode >= 300 && statusCode < 400 ? ', and redirects are not followed' : ''}`,
            ),
          );
      });
      sent.on('timeout', () => sent.destroy(new Error('it did not answer in time')));
      sent.on('error', (reason: NodeJS.ErrnoException) => reject(new Error(reason.code ?? reason.message)));
      sent.end(text);
    });
  }

  /** What it gives is what is connected to: nobody asks for the name a second time. */
  readonly #lookup: LookupFunction = (name, options, callback) => {
    lookup(name, { all: true, verbatim: true }, (error, found) => {
      if (error !== null) return callback(error, '');
      const [first, ...more] = found;
      // One that is closed among them means that the name is not to be trusted.
      if (first === undefined || !found.every(({ address }) => this.#mayReach(address))) return callback(refused(), '');
      return options.all === true ? callback(null, [first, ...more]) : callback(null, first.address, first.family);
    });
  };
}

function refused(): NodeJS.ErrnoException {
  return Object.assign(new Error('the address is refused'), { code: 'ADDRESS_REFUSED' });
}

function checkedUrl({ url, hosts }: WebhookOptions): URL {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw unfit('expected an address that begins with https://');
  }
  if (parsed.protocol !== 'https:') throw unfit(`expected https, got ${parsed.protocol.slice(0, -1)}`);
  if (parsed.username !== '' || parsed.password !== '') throw unfit('expected no name and password in the address');
  if (!hosts.some((host) => host.toLowerCase() === parsed.hostname)) {
    throw unfit(`its host ${parsed.hostname} is not in DSS_WEBHOOK_HOSTS`);
  }
  return parsed;
}

function unfit(message: string): SweepError {
  return new SweepError('USAGE', `DSS_WEBHOOK_FILE: ${message}`, {
    hint: 'the file holds one line, the address; DSS_WEBHOOK_HOSTS lists the hosts that it may go to, by commas',
  });
}
