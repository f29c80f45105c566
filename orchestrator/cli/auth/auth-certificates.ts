/** What `dss auth init` and `dss auth show` do. */
import { authPaths, hasCertificates } from '../../auth/auth-folder.js';
import { type CertificateFacts, factsOf } from '../../auth/tls-files.js';
import { SweepError } from '../../core/errors.js';
import { resolveHome } from '../environment.js';
import { note, print, printJson } from '../output.js';

export interface InitFlags {
  readonly host: string | undefined;
  readonly days: number;
  readonly renew: boolean;
  /** What is there stays as it is, whatever it is good for. */
  readonly keep: boolean;
  readonly home: string | undefined;
  readonly json: boolean;
}

const DAY_MS = 86_400_000;

export async function initAuth({ host = '', days, renew, keep, home: homeFlag, json }: InitFlags): Promise<number> {
  const home = resolveHome(homeFlag);
  if (keep && hasCertificates(home)) {
    if (json) printJson(allFacts(home));
    else print(`${authPaths(home).folder} has certificates already`);
    return 0;
  }
  const from = new Date();
  const until = new Date(from.getTime() + daysOf(days) * DAY_MS);
  const hosts = host.split(',').flatMap((each) => each.trim() || []);
  const { makeCertificates } = await import('../../auth/make-certificates.js');
  await makeCertificates(home, { hosts, from, until, renew });
  const { ca, server } = authPaths(home);
  const { hosts: names } = factsOf(server.certificate);
  if (json) printJson(allFacts(home));
  else print(`certificates for ${names.join(', ')}, good until ${dayOf(until)}`);
  note(`CA, for whoever connects (DSS_TLS_CA): ${ca.certificate}`);
  note(`its SHA-256:                           ${factsOf(ca.certificate).fingerprint}`);
  if (!renew) note('next: `dss serve --listen HOST:PORT`, `dss auth token create`, `dss auth pool create`');
  return 0;
}

export function showAuth({ home: homeFlag, json }: { home: string | undefined; json: boolean }): number {
  const home = resolveHome(homeFlag);
  if (!hasCertificates(home)) {
    throw new SweepError('AUTH_INVALID', `there are no certificates in ${authPaths(home).folder}`, {
      hint: 'dss auth init --host NAME makes them',
    });
  }
  const all = allFacts(home);
  if (json) printJson(all);
  else print(all.map(textOf).join('\n\n'));
  return 0;
}

/** The shape of `--json`, of those that were made and those that are shown. */
function allFacts(home: string): readonly CertificateFacts[] {
  const { ca, server, worker } = authPaths(home);
  return [ca, server, worker].map(({ certificate }) => factsOf(certificate));
}

function textOf({ path, hosts, validFrom, validUntil, fingerprint }: CertificateFacts): string {
  const left = Math.floor((validUntil.getTime() - Date.now()) / DAY_MS);
  return [
    path,
    ...(hosts.length === 0 ? [] : [`  names    ${hosts.join(', ')}`]),
    `  valid    ${dayOf(validFrom)} to ${dayOf(validUntil)}, ${left < 0 ? 'expired' : `${left} days left`}`,
    `  SHA-256  ${fingerprint}`,
  ].join('\n');
}

/** @throws SweepError USAGE */
export function daysOf(days: number): number {
  if (Number.isInteger(days) && days >= 1 && days <= 3_650) return days;
  throw new SweepError('USAGE', `--days is ${days}, expected a whole number from 1 to 3650`);
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
