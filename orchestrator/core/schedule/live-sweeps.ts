/** The live sweeps by name and by number, and what the owners of them hold. */
import { type LivePlace, LiveSweep, type Owner, type Turns } from './live-sweep.js';

export class LiveSweeps {
  readonly #byName = new Map<string, LiveSweep>();
  /** With gaps where sweeps have left. */
  readonly #byNumber: (LiveSweep | undefined)[] = [];
  readonly #owners = new Map<string, Owner>();

  all(): Iterable<LiveSweep> {
    return this.#byName.values();
  }

  get(name: string): LiveSweep | undefined {
    return this.#byName.get(name);
  }

  numbered(number: number): LiveSweep | undefined {
    return this.#byNumber[number];
  }

  /** Of a name that none has. */
  add(name: string, place: LivePlace, turns: Turns, nowMs: number): LiveSweep {
    const owner = this.#owners.get(place.owner) ?? { lent: 0 };
    this.#owners.set(place.owner, owner);
    const gap = this.#byNumber.indexOf(undefined);
    const number = gap < 0 ? this.#byNumber.length : gap;
    const sweep = new LiveSweep(name, number, place, owner, turns, nowMs);
    this.#byName.set(name, sweep);
    this.#byNumber[number] = sweep;
    return sweep;
  }

  delete({ name, number }: LiveSweep): void {
    this.#byName.delete(name);
    this.#byNumber[number] = undefined;
  }
}
