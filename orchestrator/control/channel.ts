/** How this end of a channel shows whom it trusts, and what went wrong when it does not. */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import type { ClientTls } from '../auth/tls-files.js';
import { SweepError } from '../core/errors.js';
import { isLoopback, splitAddress } from './address.js';
import { CHANNEL_OPTIONS } from './channel-options.js';

export interface Channel {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** @throws SweepError AUTH_INVALID rather than send a token over an open wire */
export function channelTo(address: string, tls: ClientTls | null): Channel {
  const { host } = splitAddress(address);
  if (tls !== null) return secureChannelTo(host, tls);
  if (isLoopback(host)) return { credentials: credentials.createInsecure(), options: CHANNEL_OPTIONS };
  throw new SweepError('AUTH_INVALID', `${address} is not this machine, and no CA is named for it`, {
    hint: 'DSS_TLS_CA names the file with the CA certificate: ca.pem of `dss auth init` on the server',
  });
}

function secureChannelTo(host: string, { ca, identity }: ClientTls): Channel {
  if (isIP(host) === 0) {
    return { credentials: credentials.createSsl(ca, identity?.key, identity?.certificate), options: CHANNEL_OPTIONS };
  }
  // TLS greets a server by its name, which an address is not: grpc-js would say it all the same, and Node warns of that.
  const checkAddress = (_: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate);
  return {
    credentials: credentials.createSsl(ca, identity?.key, identity?.certificate, { checkServerIdentity: checkAddress }),
    options: { ...CHANNEL_OPTIONS, 'grpc.ssl_target_name_override': 'dss' },
  };
}

interface TlsFailure {
  readonly pattern: RegExp;
  readonly message: string;
  readonly hint: string;
}

const TLS_FAILURES: readonly TlsFailure[] = [
  {
    pattern: /certificate has expired/i,
    message: 'its certificate has expired',
    hint: 'on the server: dss auth init --renew; or the clock of this machine is wrong',
  },
  {
    pattern: /certificate is not yet valid/i,
    message: 'its certificate is not valid yet',
    hint: 'the clock of this machine, or of the server when it made the certificate, is wrong',
  },
  {
    pattern: /altnames|Hostname\/IP does not match/i,
    message: 'its certificate is for other names',
    hint: 'use a name of `dss auth show`, or on the server: dss auth init --renew --host NAME',
  },
  {
    pattern: /self-signed certificate|unable to (get local issuer|verify)|signature failure/i,
    message: 'its certificate is not of the CA that is named here',
    hint: 'DSS_TLS_CA must be the ca.pem of this server; `dss auth show` there says its fingerprint',
  },
  {
    pattern: /wrong version number|packet length too long|SSL routines/i,
    message: 'it does not speak TLS there',
    hint: 'is that the port that `dss serve` names?',
  },
];

/** What a failed connection failed of; `null`: not of certificates. */
export function tlsFailureOf(details: string): { readonly message: string; readonly hint: string } | null {
  return TLS_FAILURES.find(({ pattern }) => pattern.test(details)) ?? null;
}
