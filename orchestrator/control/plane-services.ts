/** What a control plane serves at its ports: workers, people, and probes of its health. */
import { resolve } from 'node:path';
import { type ClientServiceParts, createClientService } from './client-service.js';
import type { Clock } from './clock.js';
import type { Health } from './health.js';
import type { ServiceMakers, Whom } from './server.js';
import { statusOf } from './status.js';
import { WorkerSession, type WorkerStream } from './worker-session.js';

export interface PlaneServicesParts extends Omit<ClientServiceParts, 'storePort'> {
  readonly clock: Clock;
  readonly health: Health;
  /** Whether workers that come there need a client certificate. */
  readonly isStrict: (whom: Whom) => boolean;
}

export function planeServices(parts: PlaneServicesParts): ServiceMakers['services'] {
  return (whom, storePort) => ({
    workers: workerService(parts, storePort, parts.isStrict(whom)),
    clients: createClientService({ ...parts, storePort }),
    health: parts.health.service,
  });
}

function workerService(parts: PlaneServicesParts, storePort: number, needsCertificate: boolean) {
  const { loop, clock, logger, identities, homeId } = parts;
  const store = { home: resolve(parts.home), homeId, port: storePort };
  return {
    connect: (stream: WorkerStream) => {
      const admit = () => identities.poolOf(stream, needsCertificate);
      try {
        new WorkerSession(stream, { loop, clock, logger, admit, store });
      } catch (reason) {
        stream.emit('error', statusOf(reason));
      }
    },
  };
}
