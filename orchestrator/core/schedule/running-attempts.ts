/** Attempts that run or are held ready, by the rows of their trials and in the order in which their leases end. */
import type { LeaseRef } from '../domain.js';
import type { LiveSweep } from './live-sweep.js';
import { OrderedQueue } from './ordered-queue.js';
import type { Lent } from './worker-pool.js';

export interface Running extends Lent {
  readonly row: number;
  readonly lease: LeaseRef;
  /** Of a gang, the first, who speaks for it. */
  readonly workerId: string;
  /** The rest of a gang, as far as they are known. */
  readonly others: string[];
  /** The lease's end. Monotonic. */
  untilMs: number;
  /** Of a gang: the lease's end for each member, which the lease lasts no longer than; `null`: it has one holder. */
  readonly parts: Map<string, number> | null;
  /** Members of a gang that nobody remembers. They come back and renew it, or it ends. */
  missing: number;
  /** The live sweep that its slot counts for; `null`: none wants it. */
  payer: LiveSweep | null;
}

export function isHeldBy({ workerId, others }: Running, asked: string): boolean {
  return asked === workerId || others.includes(asked);
}

/** In the place of members that nobody remembers. */
const UNKNOWN = 'of its gang that was to come back';

/** For all members at first. */
export function partsOf(members: readonly string[], missing: number, untilMs: number): Map<string, number> | null {
  if (members.length + missing === 1) return null;
  const unknown = missing > 0 ? [UNKNOWN] : [];
  return new Map([...members, ...unknown].map((each) => [each, untilMs]));
}

/** Who was not heard of for longest. */
export function lateOf({ workerId, parts, untilMs }: Running): string {
  return [...(parts ?? [])].find(([, endMs]) => endMs === untilMs)?.[0] ?? workerId;
}

export class RunningAttempts {
  readonly #byRow = new Map<number, Running>();
  readonly #leases = new OrderedQueue<Running>((a, b) => a.untilMs < b.untilMs);

  get size(): number {
    return this.#byRow.size;
  }

  /** When the next lease ends; `null`: there is none. */
  get nextMs(): number | null {
    return this.#leases.peek()?.untilMs ?? null;
  }

  all(): Iterable<Running> {
    return this.#byRow.values();
  }

  get(row: number): Running | undefined {
    return this.#byRow.get(row);
  }

  add(running: Running): void {
    this.#byRow.set(running.row, running);
    this.#leases.add(running);
  }

  delete(running: Running): void {
    this.#byRow.delete(running.row);
    this.#leases.remove(running);
  }

  /** `workerId`: which member of a gang does; `null`: all of them. */
  renew(running: Running, untilMs: number, workerId: string | null): void {
    const { parts } = running;
    for (const member of parts?.keys() ?? []) if (workerId === null || member === workerId) parts?.set(member, untilMs);
    this.#leases.remove(running);
    running.untilMs = parts === null ? untilMs : Math.min(...parts.values());
    this.#leases.add(running);
  }

  /** Of an attempt of a former control plane: one more of its gang is back. */
  comeBack(running: Running, workerId: string): void {
    running.others.push(workerId);
    running.missing -= 1;
    running.parts?.set(workerId, running.untilMs);
    if (running.missing === 0) running.parts?.delete(UNKNOWN);
  }

  /** The earliest first. */
  expired(nowMs: number): readonly Running[] {
    return this.#leases.first(this.#leases.size, ({ untilMs }) => untilMs <= nowMs);
  }
}
