/** Puts a package where a session that starts with it finds it. Asked of the head itself, before there is a session. */
import { randomUUID } from 'node:crypto';
import type { WorkerCode } from '../cluster.js';
import { CHANNEL, type ClientAddress, call, credentialsOf, metadataOf } from './client-channel.js';
import { RayletDriverClient } from './generated/ray/ray_client.js';

const TIMEOUT_MS = 60_000;
/** For its first user to come; from then on the cluster counts who uses it. */
const KEPT_S = 600;

/** Gives its address on the cluster. @throws RayError */
export async function ensurePackage(
  { address, token, tls }: ClientAddress,
  { name, zip }: WorkerCode,
): Promise<string> {
  const driver = new RayletDriverClient(address, credentialsOf(tls), CHANNEL);
  // Of no session: the head would ask the session's own server, which knows nothing of this.
  const metadata = metadataOf(randomUUID().replaceAll('-', ''), token);
  const deadline = { deadline: Date.now() + TIMEOUT_MS };
  const uri = `gcs://${name}`;
  const key = Buffer.from(uri);
  try {
    await call(address, (done) => driver.pinRuntimeEnvUri({ uri, expirationS: KEPT_S }, metadata, deadline, done));
    const { exists = false } = await call<{ exists?: boolean | undefined }>(address, (done) =>
      driver.kvExists({ key }, metadata, deadline, done),
    );
    if (!exists) {
      await call(address, (done) => driver.kvPut({ key, value: zip, overwrite: true }, metadata, deadline, done));
    }
    return uri;
  } finally {
    driver.close();
  }
}
