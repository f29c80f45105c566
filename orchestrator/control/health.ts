/**
 * grpc.health.v1. Open to whoever reaches the port, as probes have no token; it tells them one word. The state is
 * `SERVING` only while trials are lent.
 */
import { type ServerWritableStream, status } from '@grpc/grpc-js';
import { ClientServiceService } from '../wire/generated/dss/v1/client.js';
import { WorkerServiceService } from '../wire/generated/dss/v1/worker.js';
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthServer,
  HealthCheckResponse_ServingStatus as Serving,
} from '../wire/generated/grpc/health/v1/health.js';

/** Whoever asks for more is refused: nobody has to say who they are here. */
const MAX_WATCHERS = 64;
const LOOK_EVERY_MS = 1_000;

const SERVICES = new Set([
  '',
  ...[ClientServiceService.info.path, WorkerServiceService.connect.path].map((path) => path.split('/')[1] ?? ''),
]);

type HealthStream = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

export class Health {
  readonly #isLending: () => boolean;
  readonly #watchers = new Map<HealthStream, Serving | null>();
  #timer: NodeJS.Timeout | null = null;

  constructor(isLending: () => boolean) {
    this.#isLending = isLending;
  }

  readonly service: HealthServer = {
    check: (call, callback) => {
      const service = call.request.service ?? '';
      if (SERVICES.has(service)) callback(null, { status: this.#status(service) });
      else callback({ code: status.NOT_FOUND, details: 'there is no such service' });
    },
    watch: (call) => {
      call.on('error', () => {}); // the peer has gone; 'close' or 'cancelled' says so too
      if (this.#watchers.size >= MAX_WATCHERS) {
        call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `${MAX_WATCHERS} watch already` });
        return;
      }
      for (const event of ['cancelled', 'close']) call.on(event, () => this.#forget(call));
      this.#watchers.set(call, null);
      this.#timer ??= setInterval(() => this.#tell(), LOOK_EVERY_MS).unref();
      this.#tell();
    },
  };

  /** With the last word that nothing is lent any more. */
  close(): void {
    this.#tell(Serving.NOT_SERVING);
    for (const call of [...this.#watchers.keys()]) call.end();
    this.#watchers.clear();
    this.#stopLooking();
  }

  #status(service: string): Serving {
    if (!SERVICES.has(service)) return Serving.SERVICE_UNKNOWN;
    return this.#isLending() ? Serving.SERVING : Serving.NOT_SERVING;
  }

  #tell(forced?: Serving): void {
    for (const [call, told] of this.#watchers) {
      const now = forced ?? this.#status(call.request.service ?? '');
      if (now === told) continue;
      this.#watchers.set(call, now);
      call.write({ status: now });
    }
  }

  #forget(call: HealthStream): void {
    this.#watchers.delete(call);
    if (this.#watchers.size === 0) this.#stopLooking();
  }

  #stopLooking(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
