/**
 * A CA for one state folder, and what it signs. ECDSA on P-256, which every TLS library of the last ten years speaks.
 * Node can read certificates and sign bytes, and cannot make a certificate: hence @peculiar/x509.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { SweepError } from '../core/errors.js';
import { authPaths, type KeyPairPaths, writePrivate } from './auth-folder.js';
import { factsOf } from './tls-files.js';

export interface CertificateWishes {
  /** Names and IP addresses that clients and workers will say. Empty when renewing: those of the certificate so far. */
  readonly hosts: readonly string[];
  readonly from: Date;
  readonly until: Date;
  /** Another certificate for the server and for workers, of the same CA. */
  readonly renew: boolean;
}

interface Signed {
  readonly certificate: string;
  readonly key: string;
}

interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** As long as no disk lasts: everybody who was given its certificate would need another. */
const CA_YEARS = 10;
/** Clocks of other machines may be behind. */
const CLOCK_MARGIN_MS = 5 * 60_000;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** @throws SweepError USAGE, and AUTH_INVALID where certificates are there already, or none are to be renewed */
export async function makeCertificates(home: string, wishes: CertificateWishes): Promise<void> {
  const paths = authPaths(home);
  const isThere = existsSync(paths.ca.certificate);
  if (isThere && !wishes.renew) {
    throw new SweepError('AUTH_INVALID', `${paths.folder} has certificates already`, {
      hint: '--renew makes new ones of the same CA; whoever trusts it goes on to',
    });
  }
  if (!isThere && wishes.renew) {
    throw new SweepError('AUTH_INVALID', `${paths.folder} has no certificates to renew`, {
      hint: 'dss auth init --host NAME makes them',
    });
  }
  const hosts = wishes.renew && wishes.hosts.length === 0 ? factsOf(paths.server.certificate).hosts : wishes.hosts;
  for (const host of hosts) {
    if (isIP(host) === 0 && !HOST_NAME.test(host)) {
      throw new SweepError('USAGE', `--host "${host}" is neither a host name nor an IP address`, {
        hint: 'name what clients and workers will say after --server, without the port',
      });
    }
  }
  if (hosts.length === 0) throw new SweepError('USAGE', '--host is missing', { hint: 'dss auth init --host NAME' });
  const issuer = wishes.renew ? await readIssuer(paths.ca) : await makeIssuer(paths.ca, wishes.from);
  const names = hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }));
  const server = await sign(issuer, 'dss server', wishes, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(names),
  ]);
  const worker = await sign(issuer, 'dss worker', wishes, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
  ]);
  write(paths.server, server);
  write(paths.worker, worker);
}

async function makeIssuer(paths: KeyPairPaths, from: Date): Promise<Issuer> {
  const keys = await makeKeys();
  const until = new Date(from);
  until.setUTCFullYear(until.getUTCFullYear() + CA_YEARS);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['dss CA'] }],
    notBefore: new Date(from.getTime() - CLOCK_MARGIN_MS),
    notAfter: until,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  write(paths, { certificate: certificate.toString('pem'), key: await pemOf(keys.privateKey) });
  return { certificate, key: keys.privateKey };
}

async function readIssuer(paths: KeyPairPaths): Promise<Issuer> {
  const der = Buffer.from(readFileSync(paths.key, 'utf8').replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return {
    certificate: new X509Certificate(readFileSync(paths.certificate, 'utf8')),
    key: await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']),
  };
}

async function sign(
  issuer: Issuer,
  name: string,
  { from, until }: CertificateWishes,
  extensions: Extension[],
): Promise<Signed> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: issuer.certificate.subject,
    notBefore: new Date(from.getTime() - CLOCK_MARGIN_MS),
    notAfter: until,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey),
      ...extensions,
    ],
  });
  return { certificate: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
}

/** The key first: whoever watches the certificate finds both. */
function write(paths: KeyPairPaths, { certificate, key }: Signed): void {
  writePrivate(paths.key, key);
  writePrivate(paths.certificate, `${certificate}\n`);
}
