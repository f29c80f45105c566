/** The workers that a control plane knows: their streams, what they do, and what is to be said to them. */
import type { Failure } from '../core/domain.js';
import type { Hello, ToWorker } from '../core/worker-message.js';
import type { WorkerLoad, WorkerStanding } from '../core/worker-standing.js';
import { failpoint } from './failpoints.js';

/** The control plane's end of a worker's stream. */
export interface WorkerLink {
  send(message: ToWorker): void;
  /** Ends the stream once everything is sent; for a fault of the worker's, at once. It may come back. */
  end(fault?: string): void;
}

/** What matters most to somebody who looks for a worker that does nothing. */
export function stateOf(worker: {
  readonly isConnected: boolean;
  readonly isDraining: boolean;
  readonly isDrained: boolean;
  readonly isBusy: boolean;
}): WorkerStanding['state'] {
  if (!worker.isConnected) return 'gone';
  if (worker.isDraining) return 'draining';
  if (worker.isDrained) return 'drained';
  return worker.isBusy ? 'busy' : 'idle';
}

interface KnownWorker {
  readonly hello: Hello;
  /** Of workers that joined by one token. */
  readonly pool: string;
  link: WorkerLink | null;
  /** Reports up to this number were taken. */
  lastSequence: bigint;
  /** A lease of its ran out; it is lent nothing until it says something. */
  isSuspended: boolean;
  /** It said that it takes nothing more. */
  isEnding: boolean;
  /** Attempts that it still takes. */
  trialsLeft: number;
  /** What it said in a row about attempts that are not its own. */
  staleInARow: number;
  exit: Failure | null;
  /** As it said last on the stream that it has. */
  load: WorkerLoad | null;
}

const STALE_LIMIT = 100;

export class WorkerRoster {
  readonly #workers = new Map<string, KnownWorker>();
  readonly #acknowledged = new Map<string, bigint[]>();

  ids(): readonly string[] {
    return [...this.#workers.keys()];
  }

  all(): readonly (Pick<KnownWorker, 'hello' | 'isEnding' | 'load'> & { readonly isConnected: boolean })[] {
    return [...this.#workers.values()].map(({ hello, link, isEnding, load }) => ({
      hello,
      isConnected: link !== null,
      isEnding,
      load,
    }));
  }

  /** `null`: it is not connected. */
  slotsOf(workerId: string): number | null {
    const worker = this.#workers.get(workerId);
    return worker === undefined || worker.link === null ? null : worker.hello.slots;
  }

  isConnected(workerId: string): boolean {
    return (this.#workers.get(workerId)?.link ?? null) !== null;
  }

  /** Where others meet a worker that is the first of a gang. */
  meetingPlaceOf(workerId: string): { readonly address: string; readonly port: number } {
    const hello = this.#workers.get(workerId)?.hello;
    return { address: hello?.address ?? '', port: hello?.rendezvousPort ?? 0 };
  }

  /** `null`: no worker of that name has joined. */
  poolOf(workerId: string): string | null {
    return this.#workers.get(workerId)?.pool ?? null;
  }

  /** False: a worker of another pool has the name. */
  isOf(workerId: string, pool: string): boolean {
    const worker = this.#workers.get(workerId);
    return worker === undefined || worker.pool === pool;
  }

  /** A worker's reports are numbered within the life of its process. */
  join(hello: Hello, link: WorkerLink, pool: string): 'new' | 'again' | 'another process' {
    const old = this.#workers.get(hello.workerId);
    const isSame = old !== undefined && old.hello.instanceId === hello.instanceId;
    old?.link?.end();
    this.#workers.set(hello.workerId, {
      hello,
      pool,
      link,
      lastSequence: isSame ? old.lastSequence : 0n,
      isSuspended: false,
      isEnding: false,
      trialsLeft: hello.trials ?? Number.POSITIVE_INFINITY,
      staleInARow: 0,
      exit: null,
      load: null,
    });
    if (old === undefined) return 'new';
    return isSame ? 'again' : 'another process';
  }

  /** False: the worker has another stream by now. */
  leave(workerId: string, link: WorkerLink): boolean {
    const worker = this.#workers.get(workerId);
    if (worker === undefined || worker.link !== link) return false;
    worker.link = null;
    worker.load = null;
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

  /** Of devices that it does not have nothing is believed. */
  noteLoad(workerId: string, load: WorkerLoad): void {
    const worker = this.#workers.get(workerId);
    if (worker?.hello.devices.length === load.devices.length) worker.load = load;
  }

  noteDrained(workerId: string): void {
    const worker = this.#workers.get(workerId);
    if (worker !== undefined) worker.isEnding = true;
  }

  noteLent(workerId: string): void {
    const worker = this.#workers.get(workerId);
    if (worker !== undefined) worker.trialsLeft = Math.max(0, worker.trialsLeft - 1);
  }

  /** It was lent as many attempts as it takes in its life. */
  isSpent(workerId: string): boolean {
    return this.#workers.get(workerId)?.trialsLeft === 0;
  }

  /** True: it was suspended until this word from it. */
  heard(workerId: string): boolean {
    const worker = this.#workers.get(workerId);
    if (worker?.isSuspended !== true || worker.link === null) return false;
    worker.isSuspended = false;
    return true;
  }

  /**
   * It spoke for an attempt, its own or not. True: it has done so in vain for too long, as one that tries out tokens
   * does, and an honest one only until it hears that they are not its own.
   */
  spokeFor(workerId: string, isOwn: boolean): boolean {
    const worker = this.#workers.get(workerId);
    if (worker === undefined || worker.link === null) return false;
    worker.staleInARow = isOwn ? 0 : worker.staleInARow + 1;
    if (worker.staleInARow < STALE_LIMIT) return false;
    worker.staleInARow = 0;
    return true;
  }

  sendAway(workerId: string): void {
    this.#workers.get(workerId)?.link?.end(`${STALE_LIMIT} stale leases in a row: none of them is this worker's`);
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
