/**
 * A stream between a worker and the control plane. Within a direction messages keep their order, as over TCP; between
 * directions and streams they do not. When it is cut, what is under way is lost, and the two ends notice at different
 * times. A direction that is blocked holds what enters it.
 */
import type { WorkerLink } from '../../../orchestrator/control/worker-roster.js';
import type { FromWorker, ToWorker } from '../../../orchestrator/core/worker-message.js';
import type { Chance } from './chance.js';
import type { SimulatedClock } from './clock.js';

export interface Ends {
  /** In the moment in which the control plane says it. */
  readonly mayBeSaid: (message: ToWorker) => void;
  readonly hearAtPlane: (said: FromWorker) => void;
  readonly hearAtWorker: (said: ToWorker) => void;
  readonly overAtPlane: () => void;
  readonly overAtWorker: () => void;
}

export interface Weather {
  /** The longest that a message takes. */
  slownessMs: number;
  readonly isBlocked: { toPlane: boolean; toWorker: boolean };
}

class Direction<T> {
  readonly #clock: SimulatedClock;
  readonly #chance: Chance;
  readonly #weather: Weather;
  readonly #isBlocked: () => boolean;
  readonly #deliver: (message: T) => void;
  /** Arrived, but for the blockade. */
  #held: T[] = [];
  #lastAtMs = 0;
  isOver = false;

  constructor(
    clock: SimulatedClock,
    chance: Chance,
    weather: Weather,
    isBlocked: () => boolean,
    deliver: (message: T) => void,
  ) {
    this.#clock = clock;
    this.#chance = chance;
    this.#weather = weather;
    this.#isBlocked = isBlocked;
    this.#deliver = deliver;
  }

  send(message: T): void {
    const nowMs = this.#clock.nowMs();
    this.#lastAtMs = Math.max(this.#lastAtMs, nowMs + this.#chance.between(0, this.#weather.slownessMs));
    this.#clock.after(this.#lastAtMs - nowMs, () => this.#arrive(message));
  }

  heal(): void {
    for (const message of this.#held.splice(0)) if (!this.isOver) this.#deliver(message);
  }

  #arrive(message: T): void {
    if (this.isOver) return;
    if (this.#isBlocked() || this.#held.length > 0) this.#held.push(message);
    else this.#deliver(message);
  }
}

export class SimulatedStream implements WorkerLink {
  readonly #clock: SimulatedClock;
  readonly #chance: Chance;
  readonly #weather: Weather;
  readonly #ends: Ends;
  readonly #toPlane: Direction<FromWorker>;
  readonly #toWorker: Direction<ToWorker | 'end'>;
  /** The control plane has let go of it, as it does when a newer stream of the worker takes its place. */
  #isOverAtPlane = false;
  #isOverAtWorker = false;

  constructor(clock: SimulatedClock, chance: Chance, weather: Weather, ends: Ends) {
    this.#clock = clock;
    this.#chance = chance;
    this.#weather = weather;
    this.#ends = ends;
    this.#toPlane = new Direction(
      clock,
      chance,
      weather,
      () => weather.isBlocked.toPlane,
      (said: FromWorker) => {
        if (!this.#isOverAtPlane) ends.hearAtPlane(said);
      },
    );
    this.#toWorker = new Direction(
      clock,
      chance,
      weather,
      () => weather.isBlocked.toWorker,
      (said: ToWorker | 'end') => {
        if (this.#isOverAtWorker) return;
        if (said === 'end') this.#overAtWorker();
        else ends.hearAtWorker(said);
      },
    );
  }

  /** By the worker. */
  say(said: FromWorker): void {
    if (!this.#isOverAtWorker) this.#toPlane.send(said);
  }

  /** By the control plane. */
  send(message: ToWorker): void {
    if (this.#isOverAtPlane) return;
    this.#ends.mayBeSaid(message);
    this.#toWorker.send(message);
  }

  /** By the control plane, after what it has said. */
  end(): void {
    this.#toWorker.send('end');
    this.overAtPlane();
  }

  /** The wire is gone. The end that did it knows at once; the other notices later. */
  cut(by: 'worker' | 'network' | 'plane'): void {
    this.#toPlane.isOver = true;
    this.#toWorker.isOver = true;
    const noticed = () => this.#chance.between(0, 2 * this.#weather.slownessMs + 1_000);
    if (by === 'worker') this.#overAtWorker();
    else this.#clock.after(noticed(), () => this.#overAtWorker());
    if (by === 'plane') this.#isOverAtPlane = true;
    else this.#clock.after(noticed(), () => this.overAtPlane());
  }

  heal(): void {
    this.#toPlane.heal();
    this.#toWorker.heal();
  }

  overAtPlane(): void {
    if (this.#isOverAtPlane) return;
    this.#isOverAtPlane = true;
    this.#ends.overAtPlane();
  }

  #overAtWorker(): void {
    if (this.#isOverAtWorker) return;
    this.#isOverAtWorker = true;
    this.#ends.overAtWorker();
  }
}
