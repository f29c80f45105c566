/** One worker's stream: messages in, orders out. It lives until either side ends or breaks it. */
import { Metadata, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { SweepError } from '../core/errors.js';
import type { FromWorker, StorePlace, ToWorker } from '../core/worker-message.js';
import { decodeFromWorker, encodeToWorker, WireError } from '../wire/codec.js';
import type { ControlMessage, WorkerMessage } from '../wire/generated/dss/v1/worker.js';
import { BoundedWriter } from './bounded-writer.js';
import type { Clock } from './clock.js';
import type { ControlLoop } from './control-loop.js';
import { type Status, statusOf } from './status.js';
import type { WorkerLink } from './worker-roster.js';

export interface WorkerSessionParts {
  readonly loop: ControlLoop;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The pool that the worker belongs to. Throws SweepError when it may not be here, or not any more. */
  readonly admit: () => string;
  /** Where files are for those who come by this port. */
  readonly store?: StorePlace;
}

export type WorkerStream = ServerDuplexStream<WorkerMessage, ControlMessage>;

/** Orders that may wait for a worker that does not read. */
const QUEUE_LIMIT = 1_000;
const HELLO_WITHIN_MS = 10_000;

export class WorkerSession implements WorkerLink {
  readonly #stream: WorkerStream;
  readonly #loop: ControlLoop;
  readonly #logger: Logger;
  readonly #admit: () => string;
  readonly #store: StorePlace | undefined;
  readonly #writer: BoundedWriter<ControlMessage>;
  /** After Hello. */
  #workerId: string | null = null;
  #isOver = false;

  /** Throws what `admit` throws. */
  constructor(stream: WorkerStream, { loop, clock, logger, admit, store }: WorkerSessionParts) {
    admit();
    this.#stream = stream;
    this.#loop = loop;
    this.#logger = logger;
    this.#admit = admit;
    this.#store = store;
    this.#writer = new BoundedWriter(stream, QUEUE_LIMIT, () =>
      this.#break({ code: status.RESOURCE_EXHAUSTED, details: 'the worker does not read', metadata: new Metadata() }),
    );
    const deadline = clock.after(HELLO_WITHIN_MS, () => {
      if (this.#workerId === null) this.#break(statusOf(new WireError('no Hello came')));
    });
    stream.on('data', (message: WorkerMessage) => this.#receive(message));
    stream.on('end', () => stream.end());
    // Which of them come, and in which order, depends on how the stream ends.
    for (const event of ['end', 'cancelled', 'error', 'close']) {
      stream.on(event, () => {
        deadline.cancel();
        this.#over();
      });
    }
  }

  send(message: ToWorker): void {
    const isWelcome = message.kind === 'welcome' && this.#store !== undefined;
    this.#writer.send(encodeToWorker(isWelcome ? { ...message, store: this.#store } : message));
  }

  end(fault?: string): void {
    if (fault !== undefined) {
      this.#break({ code: status.ABORTED, details: fault, metadata: new Metadata() });
      return;
    }
    this.#writer.whenEmpty(() => this.#stream.end());
    this.#over();
  }

  #receive(message: WorkerMessage): void {
    if (this.#isOver) return;
    try {
      this.#hear(decodeFromWorker(message));
    } catch (reason) {
      if (!(reason instanceof WireError || reason instanceof SweepError))
        this.#logger.error({ err: reason, workerId: this.#workerId }, 'worker message');
      this.#break(statusOf(reason));
    }
  }

  #hear(said: FromWorker): void {
    const workerId = this.#workerId;
    if (workerId === null) {
      if (said.kind !== 'hello') throw new WireError(`${said.kind} came before hello`);
      this.#workerId = said.hello.workerId;
      this.#loop.join(said.hello, this, this.#admit());
      return;
    }
    switch (said.kind) {
      case 'hello':
        throw new WireError('hello came twice');
      case 'renew':
        this.#admit(); // its token may have been revoked, or have expired
        this.#loop.renew(workerId, said.leases);
        return;
      case 'progress':
        this.#loop.progress(workerId, said.lease, said.progress);
        return;
      case 'load':
        this.#loop.load(workerId, said.load);
        return;
      case 'report':
        this.#loop.report(workerId, said.sequence, said.report);
    }
  }

  #break(reason: Status): void {
    this.#logger.warn({ workerId: this.#workerId, reason: reason.details }, 'worker disconnected');
    this.#over();
    this.#writer.close();
    this.#stream.emit('error', reason);
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#workerId !== null) this.#loop.leave(this.#workerId, this);
  }
}
