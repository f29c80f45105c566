/** Sends what trials read to a control plane that cannot read it where it lies. */
import { hostname } from 'node:os';
import type { ClientTls } from '../../auth/tls-files.js';
import { splitAddress } from '../../control/address.js';
import type { PlaneInfo } from '../../control/reading-client.js';
import { filesOf, uploadFiles } from '../../control/store-client.js';
import { byteCount } from '../../core/byte-count.js';
import type { Trial } from '../../core/domain.js';
import { counted } from '../../reports/format.js';
import { readHomeId } from '../../store/home-id.js';
import { withoutStoreLine } from './store-warning.js';

export interface Destination {
  /** HOST:PORT of the control plane, as it was called. */
  readonly address: string;
  /** HOST:PORT of its files, where that does not follow from `address` and what it says of itself. */
  readonly storeAddress?: string;
  readonly token: string;
  readonly tls?: ClientTls;
  readonly info: PlaneInfo;
}

/** Here, this very machine's files are the control plane's too. A folder that both see by a network may be all they share. */
export function isOnThisMachine({ home, homeId, host }: PlaneInfo): boolean {
  return host === hostname() && readHomeId(home) === homeId;
}

/** HOST:PORT of the files of a control plane that has a store. */
export function storeAddressOf({
  address,
  storeAddress,
  info,
}: Pick<Destination, 'address' | 'storeAddress' | 'info'>): string {
  const { host } = splitAddress(address);
  return storeAddress ?? `${host.includes(':') ? `[${host}]` : host}:${info.storePort}`;
}

/**
 * Before the trials are submitted, so that none is lent whose files are not there. A second call sends what the first,
 * cut off, did not come to. Files that only a worker has to have are made there: token caches, from the datasets.
 *
 * @param trials those that will run
 * @throws SweepError STORE_MISMATCH for a file that has changed since it was planned with; the signal's reason
 */
export async function sendFilesOf(
  trials: readonly Trial[],
  { address, storeAddress, token, tls, info }: Destination,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (isOnThisMachine(info) || trials.length === 0) return;
  const without = withoutStoreLine(info);
  if (without !== null) {
    say(without);
    return;
  }
  const store = storeAddressOf({ address, ...(storeAddress === undefined ? {} : { storeAddress }), info });
  const tell: Parameters<typeof uploadFiles>[2] = {
    signal,
    tell: ({ path, sizeBytes }, index, all) => {
      if (index === 0) {
        const total = all.reduce((sum, file) => sum + file.sizeBytes, 0);
        say(`sending ${counted(all.length, 'file')} (${byteCount(total)}) that ${info.host} does not have`);
      }
      if (all.length > 1) say(`  ${index + 1} of ${all.length}: ${path} (${byteCount(sizeBytes)})`);
    },
  };
  await uploadFiles(filesOf(trials), { address: store, token, ...(tls === undefined ? {} : { tls }) }, tell);
}
