/** Real certificates, made in the test, for addresses of this machine. */
import { authPaths } from '../../orchestrator/auth/auth-folder.js';
import { makeCertificates } from '../../orchestrator/auth/make-certificates.js';
import { type ClientTls, readClientTls } from '../../orchestrator/auth/tls-files.js';

export const DAY_MS = 86_400_000;

export interface Wish {
  readonly hosts?: readonly string[];
  /** Days from now. */
  readonly from?: number;
  readonly until?: number;
  readonly renew?: boolean;
}

export async function certify(home: string, wish: Wish = {}): Promise<void> {
  const { hosts = ['127.0.0.1', 'localhost'], from = 0, until = 30, renew = false } = wish;
  const day = (days: number) => new Date(Date.now() + days * DAY_MS);
  await makeCertificates(home, { hosts, from: day(from), until: day(until), renew });
}

export function clientTls(home: string, as: 'worker' | 'nobody' = 'nobody'): ClientTls {
  const { ca, worker } = authPaths(home);
  return readClientTls(ca.certificate, as === 'worker' ? worker : null);
}

/** What a Python worker is told of them. */
export function tlsVariables(home: string, as: 'worker' | 'nobody' = 'nobody'): Readonly<Record<string, string>> {
  const { ca, worker } = authPaths(home);
  const identity = { DSS_TLS_CERT: worker.certificate, DSS_TLS_KEY: worker.key };
  return { DSS_TLS_CA: ca.certificate, ...(as === 'worker' ? identity : {}) };
}
