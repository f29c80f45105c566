/**
 * What of one worker's devices is taken. A device takes as many attempts as the worker has slots for each of its
 * devices, as long as what they need at most fits into its memory; one of which nobody knows what it needs counts for
 * its even share. An empty device takes any attempt. An attempt on several devices has them alone.
 */
import type { TrialNeed } from './trial-need.js';

/** Peaks differ a little from run to run. */
const MARGIN = 1.1;

export class DeviceRoom {
  /** Bytes of each; 0: not known, and nothing is held against it. */
  readonly #memory: readonly number[];
  /** Attempts on one device at once. */
  readonly #most: number;
  readonly #attempts: number[];
  readonly #charged: number[];

  constructor(slots: number, memory: readonly number[]) {
    this.#memory = memory.length === 0 ? [0] : memory;
    this.#most = Math.ceil(slots / this.#memory.length);
    this.#attempts = this.#memory.map(() => 0);
    this.#charged = this.#memory.map(() => 0);
  }

  /** Whoever takes of it takes nothing of this. */
  copy(): DeviceRoom {
    const copy = new DeviceRoom(this.#most * this.#memory.length, this.#memory);
    for (const [place, attempts] of this.#attempts.entries()) {
      copy.#attempts[place] = attempts;
      copy.#charged[place] = this.#charged[place] as number;
    }
    return copy;
  }

  get devices(): number {
    return this.#memory.length;
  }

  /** For so many more small attempts at most. */
  get openings(): number {
    return this.#attempts.reduce((sum, attempts) => sum + Math.max(0, this.#most - attempts), 0);
  }

  /** The emptiest devices that take it; `null`: there are not as many. */
  placesFor(need: TrialNeed): readonly number[] | null {
    if (need.devices === 1) return this.#emptiestFor(need);
    const free = [...this.#memory.keys()].filter((place) => this.#takes(place, need));
    if (free.length < need.devices) return null;
    return free.slice(0, need.devices);
  }

  #emptiestFor(need: TrialNeed): readonly number[] | null {
    let best = -1;
    for (let place = 0; place < this.#memory.length; place += 1) {
      if (!this.#takes(place, need)) continue;
      if (best < 0 || (this.#attempts[place] as number) < (this.#attempts[best] as number)) best = place;
    }
    return best < 0 ? null : [best];
  }

  take(places: readonly number[], need: TrialNeed): void {
    this.#add(places, need, 1);
  }

  giveBack(places: readonly number[], need: TrialNeed): void {
    this.#add(places, need, -1);
  }

  /** Whether it fits wherever the other one is. */
  isNoLarger(need: TrialNeed, other: TrialNeed): boolean {
    if (need.devices > 1 || other.devices > 1) return false;
    return this.#most === 1 || this.#chargeOf(0, need) <= this.#chargeOf(0, other); // alone it has all of the device
  }

  #takes(place: number, need: TrialNeed): boolean {
    const attempts = this.#attempts[place] as number;
    if (attempts === 0) return true;
    if (need.devices > 1 || attempts >= this.#most) return false;
    return (this.#charged[place] as number) + this.#chargeOf(place, need) <= (this.#memory[place] as number);
  }

  #add(places: readonly number[], need: TrialNeed, sign: number): void {
    for (const place of places) {
      this.#attempts[place] = (this.#attempts[place] as number) + sign * (need.devices > 1 ? this.#most : 1);
      this.#charged[place] = (this.#charged[place] as number) + sign * this.#chargeOf(place, need);
    }
  }

  #chargeOf(place: number, { memoryBytes }: TrialNeed): number {
    const memory = this.#memory[place] as number;
    if (memory === 0) return 0;
    return memoryBytes === 0 ? Math.floor(memory / this.#most) : Math.ceil(memoryBytes * MARGIN);
  }
}
