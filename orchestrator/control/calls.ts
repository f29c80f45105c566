/** Calls of the service for people: gRPC's errors become ours, and streams end with the signal that they were given. */
import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import { errorOf } from './status.js';

type Callback<Response> = (error: ServiceError | null, response: Response) => void;

export function ask<Response>(call: (callback: Callback<Response>) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    call((error, response) => (error === null ? resolve(response) : reject(errorOf(error))));
  });
}

export async function* read<T>(call: ClientReadableStream<T>, signal?: AbortSignal): AsyncGenerator<T> {
  const cancel = () => call.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  try {
    for await (const message of call) yield message as T;
  } catch (reason) {
    if (signal?.aborted && (reason as ServiceError).code === status.CANCELLED) return;
    throw errorOf(reason);
  } finally {
    signal?.removeEventListener('abort', cancel);
    call.on('error', () => {}); // a reader that left early has no use for how the call ends
    call.cancel();
  }
}
