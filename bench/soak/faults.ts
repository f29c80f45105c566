/** What befalls the control plane and its workers, drawn by chance from one seed. */
import type { Chance } from '../../test/support/simulation/chance.js';
import { LEASE_S, type SoakPlane } from './soak-plane.js';
import type { SoakWorker } from './soak-worker.js';

export const FAULTS = [
  'training killed',
  'worker killed',
  'worker stopped for longer than its lease',
  'worker drained',
  'control plane killed',
] as const;

type Fault = (typeof FAULTS)[number];
export type FaultCounts = Readonly<Record<Fault, number>>;

/** How often each comes, of ten. */
const WEIGHTS: Readonly<Record<Fault, number>> = {
  'training killed': 3,
  'worker killed': 2,
  'worker stopped for longer than its lease': 2,
  'worker drained': 1,
  'control plane killed': 2,
};
/** Between two: most trials get through, and many do not. */
const PAUSE_MS = { from: 2_000, to: 9_000 } as const;

export class Trouble {
  readonly #chance: Chance;
  readonly #plane: SoakPlane;
  readonly #workers: readonly SoakWorker[];
  readonly #counts: Record<Fault, number> = {
    'training killed': 0,
    'worker killed': 0,
    'worker stopped for longer than its lease': 0,
    'worker drained': 0,
    'control plane killed': 0,
  };

  constructor(chance: Chance, plane: SoakPlane, workers: readonly SoakWorker[]) {
    this.#chance = chance;
    this.#plane = plane;
    this.#workers = workers;
  }

  get counts(): FaultCounts {
    return this.#counts;
  }

  /** Waits, then strikes once. */
  async next({ planeMayDie }: { readonly planeMayDie: boolean }): Promise<void> {
    const pauseMs = this.#chance.between(PAUSE_MS.from, PAUSE_MS.to);
    const fault = this.#draw();
    const worker = this.#workers[Math.floor(this.#chance.between(0, this.#workers.length))];
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (worker !== undefined && (await this.#strike(fault, worker, planeMayDie))) this.#counts[fault] += 1;
  }

  end(): void {
    for (const worker of this.#workers) worker.goOn();
  }

  toString(): string {
    return FAULTS.map((fault) => `${fault}: ${this.#counts[fault]}`).join(', ');
  }

  async #strike(fault: Fault, worker: SoakWorker, planeMayDie: boolean): Promise<boolean> {
    switch (fault) {
      case 'training killed':
        return worker.killChild();
      case 'worker killed':
        return worker.killAgent();
      case 'worker stopped for longer than its lease':
        return worker.stop(1.5 * LEASE_S * 1000);
      case 'worker drained':
        return worker.drain();
      case 'control plane killed':
        if (planeMayDie) await this.#plane.dieAndComeBack();
        return planeMayDie;
    }
  }

  #draw(): Fault {
    const sum = Object.values(WEIGHTS).reduce((before, each) => before + each, 0);
    let left = this.#chance.between(0, sum);
    for (const fault of FAULTS) {
      left -= WEIGHTS[fault];
      if (left < 0) return fault;
    }
    return FAULTS[0];
  }
}
