/** Workers that run one attempt together: where each stands among them, and that all of them end with the first end. */
import type { LeaseRef } from '../core/domain.js';
import type { GangPlace } from '../core/worker-message.js';
import type { WorkerRoster } from './worker-roster.js';

interface Gang {
  readonly lease: LeaseRef;
  /** In the order of their ranks. */
  readonly members: readonly string[];
}

export class Gangs {
  readonly #workers: WorkerRoster;
  /** By token. */
  readonly #gangs = new Map<bigint, Gang>();

  constructor(workers: WorkerRoster) {
    this.#workers = workers;
  }

  are(lease: LeaseRef, members: readonly string[]): void {
    this.#gangs.set(lease.token, { lease, members });
  }

  /** `null`: the attempt is none of a gang. */
  placeOf({ token }: LeaseRef, workerId: string): GangPlace | null {
    const gang = this.#gangs.get(token);
    if (gang === undefined) return null;
    const { members } = gang;
    const { address, port } = this.#workers.meetingPlaceOf(members[0] ?? '');
    return { rank: members.indexOf(workerId), size: members.length, address, port };
  }

  /** However it ended: whoever is still at it stops. It is no news to whoever said so. Gives who was of it, if it was one. */
  ended({ token }: LeaseRef): readonly string[] {
    const gang = this.#gangs.get(token);
    if (gang === undefined) return [];
    this.#gangs.delete(token);
    for (const workerId of gang.members) {
      this.#workers.send(workerId, { kind: 'cancel', lease: gang.lease, reason: 'its gang has ended' });
    }
    return gang.members;
  }
}
