/** What a control plane that has no store cannot do. */
import type { PlaneInfo } from '../../control/reading-client.js';
import type { Server } from './find-server.js';
import { findRunningPlane } from './running-plane.js';

/** `null`: it has one. */
export function withoutStoreLine({ storePort }: Pick<PlaneInfo, 'storePort'>): string | null {
  if (storePort !== 0) return null;
  return (
    'the control plane has no store (--store-listen off): models and datasets must lie at the same paths for each worker, ' +
    'and a trial whose machine is lost begins at step 0 elsewhere, unless the state folder is shared'
  );
}

/** Of the control plane that serves a state folder; `null` also where none does: a sweep stays on this machine then. */
export async function withoutStoreLineAt(home: string): Promise<string | null> {
  const plane = await findRunningPlane(home);
  if (plane === null || !plane.serves) return null;
  return withoutStoreLineOf({ address: plane.address, token: plane.clientToken });
}

export async function withoutStoreLineOf(server: Server): Promise<string | null> {
  const { connectServer } = await import('./connect-server.js');
  const { client, info } = await connectServer(server);
  client.close();
  return withoutStoreLine(info);
}
