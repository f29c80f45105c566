/**
 * A sweep as its page shows it, kept up by what the control plane tells. Trials lie in columns: 100,000 of them take a
 * few MB, and what changed since a place is found by one pass over numbers. Nothing is queued for those who look: each
 * says up to where it has heard, and is told the newest of whatever changed since, so that a slow one is told less often
 * and not more.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.js';
import type { Failure, TrialState } from '../core/domain.js';
import type { CellSettings, ResultGlance, TrialGlance } from '../core/records.js';
import type { TrialChange } from '../core/watch-event.js';
import { isSameSetting } from '../reports/varying-settings.js';
import { BoardEnvironments } from './board-environments.js';
import { type CellPlace, placesOf } from './cell-labels.js';

export const STATES: readonly TrialState[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled'];

export interface BoardCell extends CellPlace {
  /** Of all of its settings: the same in every sweep. */
  readonly key: string;
  /** Those that are not the same in every cell of the sweep. */
  readonly settings: Partial<CellSettings>;
}

export interface Cause {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Of one trial: place, state, accuracy, attempts, place of its cause, seconds, place of what it ran on. */
export type TrialRow = readonly [number, number, number | null, number, number, number | null, number];

const HAS_NONE = -1;
/** Messages that name a step or an address would each be a cause of their own. */
const MAX_CAUSES = 500;

export class Board {
  /** Changes with its trials; places mean nothing beyond it. */
  readonly epoch: string;
  readonly cells: BoardCell[] = [];
  /** Settings that all cells share. */
  common: Partial<CellSettings> = {};
  readonly ids: string[] = [];
  readonly cellOf: number[] = [];
  readonly seeds: number[] = [];
  readonly causes: Cause[] = [];
  readonly #places = new Map<string, number>();
  readonly #cellPlaces = new Map<CellSettings, number>();
  readonly #causePlaces = new Map<string, number>();
  readonly #environments = new BoardEnvironments();
  #states = new Uint8Array(0);
  #accuracies = new Float64Array(0);
  #attempts = new Uint16Array(0);
  #causeOf = new Int16Array(0);
  #seconds = new Float64Array(0);
  #environmentOf = new Int32Array(0);
  #versions = new Float64Array(0);
  #version = 1;

  constructor(epoch: string, total: number) {
    this.epoch = epoch;
    this.#grow(total);
  }

  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.ids.length;
  }

  /** What results ran on, in words that tell each from the others; results of two do not make one mean. */
  get environments(): readonly string[] {
    return this.#environments.texts;
  }

  add({ trialId, cell, seed, state, attempts, result, failure }: TrialGlance): void {
    const place = this.ids.length;
    if (place >= this.#states.length) this.#grow(Math.max(64, place * 2));
    this.ids.push(trialId);
    this.cellOf.push(this.#cellPlace(cell));
    this.seeds.push(seed);
    this.#places.set(trialId, place);
    this.#write(place, state, attempts, failure, result);
  }

  /** When the last trial is there: what their cells are called depends on all of them. */
  complete(): void {
    const all = [...this.#cellPlaces.keys()];
    const places = placesOf(all);
    this.common = commonOf(all);
    const names = Object.keys(all[0] ?? {}).filter((name) => !(name in this.common));
    for (const [index, settings] of all.entries()) {
      const own = Object.fromEntries(names.map((name) => [name, settings[name as keyof CellSettings]]));
      this.cells.push({ ...(places[index] as CellPlace), key: keyOf(settings), settings: own });
    }
    this.#cellPlaces.clear();
  }

  /** False: it is none of this board's. */
  apply({ trialId, state, attempt, failure, result }: TrialChange): boolean {
    const place = this.#places.get(trialId);
    if (place === undefined) return false;
    this.#write(place, state, attempt === 0 ? (this.#attempts[place] ?? 0) : attempt, failure, result);
    return true;
  }

  placeOf(trialId: string): number | undefined {
    return this.#places.get(trialId);
  }

  stateAt(place: number): TrialState {
    return STATES[this.#states[place] as number] as TrialState;
  }

  row(place: number): TrialRow {
    return [
      place,
      this.#states[place] as number,
      valueOrNull(this.#accuracies[place]),
      this.#attempts[place] as number,
      this.#causeOf[place] as number,
      valueOrNull(this.#seconds[place]),
      this.#environmentOf[place] as number,
    ];
  }

  /** Of what changed after a version, at most `limit`, the oldest change first; and the version that it leads to. */
  after(version: number, limit: number): { readonly places: readonly number[]; readonly version: number } {
    if (version >= this.#version) return { places: [], version };
    const found: number[] = [];
    for (let place = 0; place < this.ids.length; place += 1) {
      if ((this.#versions[place] as number) > version) found.push(place);
    }
    found.sort((a, b) => (this.#versions[a] as number) - (this.#versions[b] as number));
    if (found.length <= limit) return { places: found, version: this.#version };
    const kept = found.slice(0, limit);
    return { places: kept, version: this.#versions[kept.at(-1) as number] as number };
  }

  /** In columns. Rounded to what a page can show: 100,000 results with all of their digits are twice as long. */
  columns() {
    const { length } = this.ids;
    return {
      ids: this.ids.join(''),
      cell: this.cellOf,
      seed: this.seeds,
      state: this.#states.subarray(0, length).join(''),
      accuracy: Array.from(this.#accuracies.subarray(0, length), (value) => rounded(value, 1e6)),
      attempts: Array.from(this.#attempts.subarray(0, length)),
      cause: Array.from(this.#causeOf.subarray(0, length)),
      seconds: Array.from(this.#seconds.subarray(0, length), (value) => rounded(value, 1e3)),
      environment: Array.from(this.#environmentOf.subarray(0, length)),
    };
  }

  #write(
    place: number,
    state: TrialState,
    attempts: number,
    failure: Failure | null,
    result: ResultGlance | null,
  ): void {
    this.#states[place] = STATES.indexOf(state);
    this.#attempts[place] = Math.min(attempts, 65_535);
    this.#accuracies[place] = result?.testAccuracy ?? Number.NaN;
    this.#seconds[place] = result?.seconds ?? Number.NaN;
    this.#environmentOf[place] = result === null ? HAS_NONE : this.#environments.placeOf(result.environment);
    this.#causeOf[place] = failure === null || state === 'succeeded' ? HAS_NONE : this.#causePlace(failure);
    this.#version += 1;
    this.#versions[place] = this.#version;
  }

  #causePlace({ code, message, hint }: Failure): number {
    const key = `${code}\n${message}`;
    let place = this.#causePlaces.get(key);
    if (place === undefined) {
      if (this.causes.length >= MAX_CAUSES) return MAX_CAUSES - 1;
      const isLast = this.causes.length === MAX_CAUSES - 1;
      place = this.causes.push(isLast ? OTHERS : { code, message, hint }) - 1;
      this.#causePlaces.set(key, place);
    }
    return place;
  }

  #cellPlace(settings: CellSettings): number {
    const place = this.#cellPlaces.get(settings) ?? this.#cellPlaces.size;
    this.#cellPlaces.set(settings, place);
    return place;
  }

  #grow(length: number): void {
    this.#states = grown(this.#states, new Uint8Array(length));
    this.#accuracies = grown(this.#accuracies, new Float64Array(length).fill(Number.NaN));
    this.#attempts = grown(this.#attempts, new Uint16Array(length));
    this.#causeOf = grown(this.#causeOf, new Int16Array(length).fill(HAS_NONE));
    this.#seconds = grown(this.#seconds, new Float64Array(length).fill(Number.NaN));
    this.#environmentOf = grown(this.#environmentOf, new Int32Array(length).fill(HAS_NONE));
    this.#versions = grown(this.#versions, new Float64Array(length));
  }
}

const OTHERS: Cause = { code: 'OTHER', message: 'more causes than are listed apart', hint: 'each trial says its own' };

function grown<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}

function rounded(value: number, parts: number): number | null {
  return Number.isNaN(value) ? null : Math.round(value * parts) / parts;
}

function valueOrNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

function commonOf(cells: readonly CellSettings[]): Partial<CellSettings> {
  const [first, ...others] = cells;
  const shared = Object.entries(first ?? {}).filter(([name, value]) =>
    others.every((each) => isSameSetting(each[name as keyof CellSettings], value)),
  );
  return Object.fromEntries(shared);
}

function keyOf(settings: CellSettings): string {
  return createHash('sha256').update(canonicalJson(settings)).digest('hex').slice(0, 12);
}
