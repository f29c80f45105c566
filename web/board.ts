/** The sweep as this page holds it: columns of trials, and what each cell adds up to, kept up change by change. */
import type { BoardAnswer, Cause, CellInfo, Change, SweepInfo, TrialProgress, WorkerNow } from './api.js';

export const [QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED] = [0, 1, 2, 3, 4] as const;
const ID_LENGTH = 20;

/** Of results that make one mean. */
export interface ResultSum {
  n: number;
  sum: number;
  squares: number;
}

/** Of a cell. */
export interface CellSum {
  readonly trials: number[];
  readonly counts: number[];
  /** Of all results. */
  n: number;
  /** By place of what they ran on; nearly always one. */
  readonly byEnvironment: Map<number, ResultSum>;
  /** Grows with each change. */
  version: number;
}

export interface CauseGroup {
  readonly cause: Cause;
  readonly trials: number[];
}

export class Board {
  /** Settings that all cells share. */
  readonly common: Readonly<Record<string, unknown>>;
  readonly cells: readonly CellInfo[];
  readonly sums: readonly CellSum[];
  readonly seeds: readonly number[];
  readonly cellOf: readonly number[];
  readonly states: Uint8Array;
  readonly accuracies: Float64Array;
  readonly attempts: Uint16Array;
  readonly causeOf: Int16Array;
  readonly seconds: Float64Array;
  readonly environmentOf: Int32Array;
  readonly counts = [0, 0, 0, 0, 0];
  sweep: SweepInfo;
  workers: readonly WorkerNow[] = [];
  causes: Cause[];
  /** What results ran on, in words that tell each from the others. */
  environments: readonly string[];
  eventId: string;
  version = 1;
  #secondsSum = 0;
  #secondsN = 0;
  readonly #ids: string;

  constructor({ common, cells, causes, environments, trials, sweep, eventId }: BoardAnswer) {
    this.common = common;
    this.cells = cells;
    this.causes = [...causes];
    this.environments = environments;
    this.sweep = sweep;
    this.eventId = eventId;
    this.seeds = trials.seed;
    this.cellOf = trials.cell;
    this.#ids = trials.ids;
    const total = trials.seed.length;
    this.states = new Uint8Array(total);
    this.accuracies = new Float64Array(total).fill(Number.NaN);
    this.attempts = Uint16Array.from(trials.attempts);
    this.causeOf = Int16Array.from(trials.cause);
    this.seconds = new Float64Array(total).fill(Number.NaN);
    this.environmentOf = Int32Array.from(trials.environment);
    this.sums = cells.map(() => ({ trials: [], counts: [0, 0, 0, 0, 0], n: 0, byEnvironment: new Map(), version: 1 }));
    for (let place = 0; place < total; place += 1) {
      this.sum(place).trials.push(place);
      this.#add(
        place,
        trials.state.charCodeAt(place) - 48,
        trials.accuracy[place] ?? null,
        trials.seconds[place] ?? null,
      );
    }
    for (const { trials: inCell } of this.sums) inCell.sort((a, b) => (this.seeds[a] ?? 0) - (this.seeds[b] ?? 0));
  }

  get size(): number {
    return this.states.length;
  }

  id(place: number): string {
    return this.#ids.slice(place * ID_LENGTH, (place + 1) * ID_LENGTH);
  }

  /** -1: none of this sweep's. */
  find(trialId: string): number {
    for (let at = this.#ids.indexOf(trialId); at >= 0; at = this.#ids.indexOf(trialId, at + 1)) {
      if (at % ID_LENGTH === 0) return at / ID_LENGTH;
    }
    return -1;
  }

  cell(place: number): CellInfo {
    return this.cells[this.cellOf[place] ?? 0] as CellInfo;
  }

  sum(place: number): CellSum {
    return this.sums[this.cellOf[place] ?? 0] as CellSum;
  }

  apply({ trials, causes, firstCause, environments, sweep, workers }: Change, eventId: string): void {
    for (const [place, state, accuracy, attempts, cause, seconds, environment] of trials) {
      this.#remove(place);
      this.attempts[place] = attempts;
      this.causeOf[place] = cause;
      this.environmentOf[place] = environment;
      this.#add(place, state, accuracy, seconds);
    }
    for (const [index, cause] of causes.entries()) this.causes[firstCause + index] = cause;
    if (environments !== null) this.environments = environments;
    this.sweep = sweep;
    this.workers = workers;
    this.eventId = eventId;
    this.version += 1;
  }

  /** Trials that have failed for good, by cause; the most first. */
  failures(): readonly CauseGroup[] {
    const groups = new Map<number, number[]>();
    if ((this.counts[FAILED] ?? 0) === 0) return [];
    for (let place = 0; place < this.size; place += 1) {
      if (this.states[place] !== FAILED) continue;
      const cause = this.causeOf[place] ?? -1;
      groups.set(cause, [...(groups.get(cause) ?? []), place]);
    }
    const unknown: Cause = { code: 'UNKNOWN', message: 'no cause was given', hint: '' };
    return [...groups]
      .map(([cause, places]) => ({ cause: this.causes[cause] ?? unknown, trials: places }))
      .sort((a, b) => b.trials.length - a.trials.length);
  }

  /** Lowest and highest of all results; `null`: fewer than two differ. */
  range(): readonly [number, number] | null {
    let [low, high] = [1, 0];
    for (const accuracy of this.accuracies) {
      if (Number.isNaN(accuracy)) continue;
      low = Math.min(low, accuracy);
      high = Math.max(high, accuracy);
    }
    return high > low ? [low, high] : null;
  }

  progressOf(trialId: string): TrialProgress | undefined {
    return this.workers.flatMap(({ running }) => running).find((each) => each.trialId === trialId);
  }

  /** If those that wait take as long as those that are done, on as many workers as run now. */
  secondsLeft(): number | null {
    const [queued = 0, running = 0] = this.counts;
    if (running === 0 || this.#secondsN === 0) return null;
    const mean = this.#secondsSum / this.#secondsN;
    const own = this.workers.flatMap(({ running }) => running).filter(({ trialId }) => this.find(trialId) >= 0);
    const left = own.reduce((sum, { step, maxSteps }) => sum + (maxSteps > 0 ? 1 - step / maxSteps : 0.5), 0);
    return (mean * (queued + Math.min(left, running))) / running;
  }

  #add(place: number, state: number, accuracy: number | null, seconds: number | null): void {
    const sum = this.sum(place);
    this.states[place] = state;
    this.accuracies[place] = accuracy ?? Number.NaN;
    this.seconds[place] = seconds ?? Number.NaN;
    this.#count(sum, state, 1);
    this.#weigh(place, accuracy, seconds, 1);
  }

  #remove(place: number): void {
    const sum = this.sum(place);
    const [accuracy, seconds] = [this.accuracies[place] ?? Number.NaN, this.seconds[place] ?? Number.NaN];
    this.#count(sum, this.states[place] ?? 0, -1);
    this.#weigh(place, Number.isNaN(accuracy) ? null : accuracy, Number.isNaN(seconds) ? null : seconds, -1);
    sum.version += 1;
  }

  #count(sum: CellSum, state: number, by: number): void {
    sum.counts[state] = (sum.counts[state] ?? 0) + by;
    this.counts[state] = (this.counts[state] ?? 0) + by;
  }

  #weigh(place: number, accuracy: number | null, seconds: number | null, by: number): void {
    if (accuracy !== null) {
      const sum = this.sum(place);
      const environment = this.environmentOf[place] ?? 0;
      const part = sum.byEnvironment.get(environment) ?? { n: 0, sum: 0, squares: 0 };
      sum.n += by;
      part.n += by;
      part.sum += by * accuracy;
      part.squares += by * accuracy * accuracy;
      if (part.n > 0) sum.byEnvironment.set(environment, part);
      else sum.byEnvironment.delete(environment);
    }
    if (seconds !== null) {
      this.#secondsSum += by * seconds;
      this.#secondsN += by;
    }
  }
}

/** A cell's results where they make one mean; `null`: it has none, or they ran on what does not compare. */
export function pooledOf({ byEnvironment }: CellSum): ResultSum | null {
  if (byEnvironment.size > 1) return null;
  for (const only of byEnvironment.values()) return only;
  return null;
}

export function meanOf({ n, sum }: ResultSum): number {
  return sum / n;
}

export function deviationOf({ n, sum, squares }: ResultSum): number | null {
  return n < 2 ? null : Math.sqrt(Math.max(0, (squares - (sum * sum) / n) / (n - 1)));
}
