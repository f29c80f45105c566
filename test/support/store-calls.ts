/** The store's service, called as a worker or a person would, piece by piece. */
import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ClientTls } from '../../orchestrator/auth/tls-files.js';
import { ask } from '../../orchestrator/control/calls.js';
import { channelTo } from '../../orchestrator/control/channel.js';
import { errorOf } from '../../orchestrator/control/status.js';
import { bearer } from '../../orchestrator/control/tokens.js';
import type { StoredFile } from '../../orchestrator/core/stored-file.js';
import { encodeStoredFile } from '../../orchestrator/wire/codec.js';
import {
  type Chunk,
  type MissingResponse,
  type PutRequest,
  StoreServiceClient,
} from '../../orchestrator/wire/generated/dss/v1/store.js';
import { storedFile } from './bytes.js';

export interface Visit {
  readonly address: string;
  readonly token: string;
  /** Of a worker. */
  readonly workerId?: string;
  readonly tls?: ClientTls;
}

/** Every method throws SweepError. */
export class StoreCalls {
  readonly #client: StoreServiceClient;
  readonly #metadata: Metadata;

  constructor({ address, token, workerId, tls }: Visit) {
    const { credentials, options } = channelTo(address, tls ?? null);
    this.#client = new StoreServiceClient(address, credentials, options);
    this.#metadata = bearer(token);
    if (workerId !== undefined) this.#metadata.set('dss-worker-id', workerId);
  }

  /** Digests. */
  async missing(scope: string, files: readonly StoredFile[]): Promise<readonly string[]> {
    const request = { scope, files: files.map(encodeStoredFile) };
    const { sha256 } = await ask<MissingResponse>((callback) =>
      this.#client.missing(request, this.#metadata, callback),
    );
    return sha256;
  }

  /** In pieces of at most 1 MiB. */
  put(scope: string, bytes: Buffer, said: StoredFile = storedFile(bytes)): Promise<void> {
    const { sha256, sizeBytes } = said;
    const parts: PutRequest['part'][] = [{ $case: 'header', value: { scope, sha256, sizeBytes: BigInt(sizeBytes) } }];
    for (let from = 0; from < bytes.length; from += 2 ** 20) {
      parts.push({ $case: 'data', value: bytes.subarray(from, from + 2 ** 20) });
    }
    return this.putParts(parts);
  }

  /** Of a sender that takes its time: more of the bytes, and the answer after the last of them. */
  putSlowly(scope: string, { sha256, sizeBytes }: StoredFile) {
    let settle: (error: ServiceError | null) => void = () => {};
    const answered = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === null ? resolve() : reject(errorOf(error)));
    });
    answered.catch(() => {}); // whoever ends hears it
    const call = this.#client.put(this.#metadata, (error) => settle(error));
    call.write({ part: { $case: 'header', value: { scope, sha256, sizeBytes: BigInt(sizeBytes) } } });
    return {
      send: (value: Buffer) => call.write({ part: { $case: 'data', value } }),
      answered,
      end: (): Promise<void> => {
        call.end();
        return answered;
      },
    };
  }

  putParts(parts: readonly PutRequest['part'][], end = true): Promise<void> {
    return new Promise((resolve, reject) => {
      const call = this.#client.put(this.#metadata, (error) => (error === null ? resolve() : reject(errorOf(error))));
      for (const part of parts) call.write({ part });
      if (end) call.end();
      else call.cancel();
    });
  }

  /** `until`: the reader leaves after so many bytes. */
  get(scope: string, sha256: string, offset = 0, until = Number.POSITIVE_INFINITY): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const call = this.#client.get({ scope, sha256, offset: BigInt(offset) }, this.#metadata);
      const pieces: Buffer[] = [];
      let bytes = 0;
      call.on('data', ({ data }: Chunk) => {
        pieces.push(Buffer.from(data ?? []));
        bytes += data?.length ?? 0;
        if (bytes >= until) call.cancel();
      });
      call.on('end', () => resolve(Buffer.concat(pieces)));
      call.on('error', (error: ServiceError) => {
        if (error.code === status.CANCELLED && bytes >= until) resolve(Buffer.concat(pieces));
        else reject(errorOf(error));
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}
