/**
 * The server's certificates, read again when their files change: connections that are open stay as they are, new ones
 * get the new certificate. Our own watching rather than grpc-js's FileWatcherCertificateProvider (1.14.7): that one
 * takes a key that does not belong to the certificate, as it may find them in the middle of a renewal, and then takes
 * no connection at all; nor does it have anything before its first look, so that early connections are dropped.
 */
import { X509Certificate } from 'node:crypto';
import { type StatWatcher, unwatchFile, watchFile } from 'node:fs';
import { experimental, type ServerCredentials } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { authPaths } from '../auth/auth-folder.js';
import { readServerTls, type ServerTls } from '../auth/tls-files.js';

type Provider = experimental.CertificateProvider;
type CaListener = Parameters<Provider['addCaCertificateListener']>[0];
type IdentityListener = Parameters<Provider['addIdentityCertificateListener']>[0];

/** By asking for the files' times, which works on network disks too. */
const LOOK_EVERY_MS = 1_000;
const WARN_AHEAD_MS = 14 * 24 * 3_600_000;

export class ServerCertificates implements Provider {
  readonly #home: string;
  readonly #logger: Logger;
  readonly #nowUnixMs: () => number;
  readonly #files: readonly string[];
  readonly #caListeners = new Set<CaListener>();
  readonly #identityListeners = new Set<IdentityListener>();
  #tls: ServerTls;

  /** @throws SweepError AUTH_INVALID */
  constructor(home: string, logger: Logger, nowUnixMs: () => number) {
    this.#home = home;
    this.#logger = logger;
    this.#nowUnixMs = nowUnixMs;
    this.#tls = readServerTls(home);
    this.#tell('certificate');
    const { ca, server } = authPaths(home);
    this.#files = [ca.certificate, server.certificate, server.key];
    for (const file of this.#files) {
      const watcher: StatWatcher = watchFile(file, { interval: LOOK_EVERY_MS }, this.#look);
      watcher.unref();
    }
  }

  /** Who sends a certificate must have one of our CA; who sends none says by other means who they are. */
  credentials(): ServerCredentials {
    // The second argument is the one for the CA, whatever their names in grpc-js say.
    return experimental.createCertificateProviderServerCredentials(this, this, false);
  }

  close(): void {
    for (const file of this.#files) unwatchFile(file, this.#look);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    // Not at once: the server that asks listens to what it adds only after having added it.
    process.nextTick(listener, { caCertificate: this.#tls.ca });
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(listener, { certificate: this.#tls.certificate, privateKey: this.#tls.key });
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  readonly #look = (): void => {
    try {
      this.#tls = readServerTls(this.#home);
    } catch (reason) {
      // Halfway through a renewal, or broken: what was read before holds until there is something better.
      this.#logger.warn({ err: reason }, 'the certificates changed and are not used');
      return;
    }
    const { ca, certificate, key } = this.#tls;
    for (const listener of this.#caListeners) listener({ caCertificate: ca });
    for (const listener of this.#identityListeners) listener({ certificate, privateKey: key });
    this.#tell('another certificate');
  };

  #tell(what: string): void {
    const { validFrom, validTo, fingerprint256 } = new X509Certificate(this.#tls.certificate);
    const leftMs = Date.parse(validTo) - this.#nowUnixMs();
    const hint = 'dss auth init --renew';
    if (leftMs < 0) this.#logger.error({ validTo, hint }, `the server has a ${what} that has expired`);
    else if (leftMs < WARN_AHEAD_MS) this.#logger.warn({ validTo, hint }, `the server has a ${what} that expires soon`);
    else this.#logger.info({ validFrom, validTo, fingerprint256 }, `the server has a ${what}`);
  }
}
