/** Calls a control plane that somebody named, and makes sure that it is one that this dss can talk to. */
import { type Client, connectClient } from '../../control/client.js';
import type { PlaneInfo } from '../../control/reading-client.js';
import { SweepError } from '../../core/errors.js';
import { ownVersion } from '../version.js';
import type { Server } from './find-server.js';

export interface Connected {
  readonly client: Client;
  readonly info: PlaneInfo;
}

/** The client is the caller's to close. @throws SweepError UNAVAILABLE, AUTH_INVALID, VERSION_DIFFERS */
export async function connectServer(server: Server): Promise<Connected> {
  const client = connectClient(server);
  try {
    const info = await client.info();
    checkVersion(server.name ?? server.address, info.version);
    return { client, info };
  } catch (reason) {
    client.close();
    throw withPlace(SweepError.from(reason), server);
  }
}

/** Another dss may compute other ids for the same trials, and mean other things by the same words. */
function checkVersion(address: string, version: string): void {
  const own = ownVersion();
  if (version === own || version === '') return;
  throw new SweepError('VERSION_DIFFERS', `the control plane at ${address} is dss ${version}, and this is dss ${own}`, {
    hint: 'trials have other ids in another version; install the same one here and there',
  });
}

function withPlace(error: SweepError, { address: called, name, tls }: Server): SweepError {
  const address = name ?? called;
  const { code, message, hint, cause } = error;
  switch (code) {
    case 'AUTH_INVALID':
    case 'NOT_ALLOWED':
      return new SweepError(code, `${address}: ${message}`, { hint, cause });
    case 'UNAVAILABLE': {
      const details = message
        .replace(/^the control plane does not answer: (No connection established\. Last error: (Error: )?)?/, '')
        .replace(/\. Resolution note: .*$/s, '');
      return new SweepError(code, `no control plane answers at ${address}: ${details}`, {
        hint:
          tls === undefined
            ? 'does `dss serve` run there? A port that it serves to other machines needs DSS_TLS_CA'
            : 'does `dss serve` run there, and is that the address that it says?',
        cause,
      });
    }
    case 'INTERNAL':
      return new SweepError('UNAVAILABLE', `what answers at ${address} is no control plane of this dss: ${message}`, {
        hint: 'is that the address that `dss serve` says, and the same version?',
        cause,
      });
    default:
      return error;
  }
}
