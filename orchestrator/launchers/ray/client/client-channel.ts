/** A connection to the port of Ray's client protocol: what it is shown, what it may carry, and what its errors mean. */
import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { RayTls } from '../connection.js';
import { RayError } from '../ray-error.js';

/** Of the head's own chunks, which have 5 MiB, and of lists. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export const CHANNEL: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.enable_retries': 0,
  // Each session has a connection of its own, which ends with it.
  'grpc.use_local_subchannel_pool': 1,
};

export interface ClientAddress {
  /** HOST:PORT. */
  readonly address: string;
  readonly token: string | null;
  readonly tls: RayTls;
}

export function metadataOf(clientId: string, token: string | null): Metadata {
  const metadata = new Metadata();
  metadata.set('client_id', clientId);
  metadata.set('reconnecting', 'False');
  if (token !== null) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

export type Done<T> = (error: ServiceError | null, response: T) => void;

/** A call of one request and one answer. @throws RayError */
export function call<T>(address: string, start: (done: Done<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, response) => (error === null ? resolve(response) : reject(rayErrorOf(error, address))));
  });
}

export function credentialsOf({ ca, certificate, key }: RayTls): ChannelCredentials {
  return ca === null ? credentials.createInsecure() : credentials.createSsl(ca, key, certificate);
}

/** By the code: what it says beside is for people. */
export function rayErrorOf({ code, details }: ServiceError, address: string): RayError {
  const where = `the Ray head at ${address}`;
  switch (code) {
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new RayError('refused', `${where} does not take our token: ${details}`, {
        hint: '`ray get-auth-token` on the head shows it; RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or run.ray.token_file gives it',
      });
    case status.RESOURCE_EXHAUSTED:
      return new RayError(
        'unreachable',
        `${where} has no room for a session, or sends more than ${MAX_MESSAGE_BYTES} bytes: ${details}`,
      );
    case status.UNIMPLEMENTED:
      return new RayError('broken', `${where} speaks another protocol: ${details}`, {
        hint: 'is that the port of --ray-client-server-port (10001)?',
      });
    default:
      return new RayError('unreachable', `${where} broke off (code ${code}): ${details}`, {
        hint: 'is that the port of --ray-client-server-port (10001), and may this machine connect to it?',
      });
  }
}
