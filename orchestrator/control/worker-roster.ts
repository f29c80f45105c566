/** The workers that a control plane knows: their streams, what they do, and what is to be said to them. */
import type { Failure } from '../core/domain.js';
import type { Hello, ToWorker } from '../core/worker-message.js';
import { failpoint } from './failpoints.js';

/** The control plane's end of a worker's stream. */
export interface WorkerLink {
  send(message: ToWorker): void;
  /** Ends the stream once everything is sent. */
  end(): void;
}

interface KnownWorker {
  readonly hello: Hello;
  link: WorkerLink | null;
  /** Reports up to this number were taken. */
  lastSequence: bigint;
  /** A lease of its ran out; it is lent nothing until it says something. */
  isSuspended: boolean;
  exit: Failure | null;
}

export class WorkerRoster {
  readonly #workers = new Map<string, KnownWorker>();
  readonly #acknowledged = new Map<string, bigint[]>();

  ids(): readonly string[] {
    return [...this.#workers.keys()];
  }

  isConnected(workerId: string): boolean {
    return (this.#workers.get(workerId)?.link ?? null) !== null;
  }

  /** A worker's reports are numbered within the life of its process. */
  join(hello: Hello, link: WorkerLink): 'new' | 'again' | 'another process' {
    const old = this.#workers.get(hello.workerId);
    const isSame = old !== undefined && old.hello.instanceId === hello.instanceId;
    old?.link?.end();
    this.#workers.set(hello.workerId, {
      hello,
      link,
      lastSequence: isSame ? old.lastSequence : 0n,
      isSuspended: false,
      exit: null,
    });
    if (old === undefined) return 'new';
    return isSame ? 'again' : 'another process';
  }

  /** False: the worker has another stream by now. */
  leave(workerId: string, link: WorkerLink): boolean {
    const worker = this.#workers.get(workerId);
    if (worker === undefined || worker.link !== link) return false;
    worker.link = null;
    return true;
  }

  exited(workerId: string, failure: Failure): 'stream open' | 'stream closed' {
    const worker = this.#workers.get(workerId);
    if (worker === undefined || worker.link === null) return 'stream closed';
    worker.exit = failure;
    return 'stream open';
  }

  exitOf(workerId: string): Failure | null {
    return this.#workers.get(workerId)?.exit ?? null;
  }

  forget(workerId: string): void {
    this.#workers.delete(workerId);
  }

  /** False: the report was taken before. */
  isNew(workerId: string, sequence: bigint): boolean {
    const worker = this.#workers.get(workerId);
    if (worker === undefined || sequence <= worker.lastSequence) return false;
    worker.lastSequence = sequence;
    return true;
  }

  suspend(workerId: string): void {
    const worker = this.#workers.get(workerId);
    if (worker !== undefined) worker.isSuspended = true;
  }

  /** True: it was suspended until this word from it. */
  heard(workerId: string): boolean {
    const worker = this.#workers.get(workerId);
    if (worker?.isSuspended !== true || worker.link === null) return false;
    worker.isSuspended = false;
    return true;
  }

  send(workerId: string, message: ToWorker): void {
    this.#workers.get(workerId)?.link?.send(message);
  }

  /** With the next flush, when what was reported is durable. To whatever stream the worker has then. */
  acknowledge(workerId: string, sequence: bigint): void {
    const sequences = this.#acknowledged.get(workerId) ?? [];
    sequences.push(sequence);
    this.#acknowledged.set(workerId, sequences);
  }

  flush(): void {
    if (this.#acknowledged.size === 0) return;
    failpoint('before-acknowledge');
    for (const [workerId, sequences] of this.#acknowledged) this.send(workerId, { kind: 'acknowledged', sequences });
    this.#acknowledged.clear();
    failpoint('after-acknowledge');
  }
}
