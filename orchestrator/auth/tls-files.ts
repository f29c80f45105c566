/** Certificates and keys as they lie in files, checked before anything is said with them. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SweepError } from '../core/errors.js';
import { authPaths, type KeyPairPaths } from './auth-folder.js';

/** What this end of a connection trusts, and shows. PEM. */
export interface ClientTls {
  readonly ca: Buffer;
  /** For mutual TLS. */
  readonly identity: { readonly certificate: Buffer; readonly key: Buffer } | null;
}

export interface ServerTls {
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly key: Buffer;
}

/** Of files that are there and belong together. @throws SweepError AUTH_INVALID */
export function readServerTls(home: string): ServerTls {
  const { ca, server } = authPaths(home);
  return { ca: readCertificate(ca.certificate), ...readPair(server) };
}

/** @throws SweepError AUTH_INVALID */
export function readClientTls(ca: string, identity: KeyPairPaths | null): ClientTls {
  return { ca: readCertificate(ca), identity: identity === null ? null : readPair(identity) };
}

/** Of a CA that was handed over as text. @throws SweepError AUTH_INVALID */
export function readClientTlsText(ca: string, source: string): ClientTls {
  try {
    new X509Certificate(ca);
  } catch (cause) {
    throw invalid(`${source} holds no certificate: ${(cause as Error).message}`, cause);
  }
  return { ca: Buffer.from(ca), identity: null };
}

function readPair(paths: KeyPairPaths): { readonly certificate: Buffer; readonly key: Buffer } {
  const certificate = readCertificate(paths.certificate);
  const key = readFile(paths.key);
  let belongs: boolean;
  try {
    belongs = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw invalid(`${paths.key} holds no private key: ${(cause as Error).message}`, cause);
  }
  if (!belongs) throw invalid(`${paths.key} is not the key of ${paths.certificate}`, null);
  return { certificate, key };
}

function readCertificate(path: string): Buffer {
  const bytes = readFile(path);
  try {
    new X509Certificate(bytes);
    return bytes;
  } catch (cause) {
    throw invalid(`${path} holds no certificate: ${(cause as Error).message}`, cause);
  }
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw invalid(`${path} cannot be read: ${(cause as Error).message}`, cause);
  }
}

function invalid(message: string, cause: unknown): SweepError {
  return new SweepError('AUTH_INVALID', message, { hint: '`dss auth init` makes certificates', cause });
}

export interface CertificateFacts {
  readonly path: string;
  readonly subject: string;
  /** Empty: it is good for no server. */
  readonly hosts: readonly string[];
  readonly validFrom: Date;
  readonly validUntil: Date;
  /** SHA-256, as people compare it. */
  readonly fingerprint: string;
}

export function factsOf(path: string): CertificateFacts {
  const certificate = new X509Certificate(readCertificate(path));
  return {
    path,
    subject: certificate.subject,
    hosts: hostsOf(certificate),
    validFrom: new Date(certificate.validFrom),
    validUntil: new Date(certificate.validTo),
    fingerprint: certificate.fingerprint256,
  };
}

function hostsOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, name]) => name ?? '');
}
