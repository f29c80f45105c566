/** The launchers of a control plane: told what their places' sweeps ask for, and heard on what goes wrong there. */
import type { TokenStore } from '../auth/token-store.js';
import { SweepError } from '../core/errors.js';
import type { Notice } from '../core/notice.js';
import type { Demand } from '../core/schedule/demand.js';
import type { Place, PlaceName } from '../core/sweep/place.js';
import type { LaunchContext, LaunchedWorker, Launcher } from '../launchers/launcher.js';
import type { Clock, Timer } from './clock.js';

export interface LaunchingParts {
  readonly launchers: readonly Launcher[];
  readonly granted: TokenStore;
  readonly clock: Clock;
  /** Nothing goes on from here. */
  readonly onFail: (error: SweepError) => void;
}

/** What launchers are told from outside; the rest of their context is here. */
export type Surroundings = Omit<LaunchContext, 'grantPool' | 'revokePool' | 'onNotice'>;

/** A launcher looks at its place at least so often, whether or not anything has changed here. */
const TELL_EVERY_MS = 60_000;
/** Of changes that follow one another: told together. */
const SETTLE_MS = 500;
/** Tokens of a pool that are good at the same time: workers that a control plane before this one started have theirs. */
const TOKENS_PER_POOL = 2;

export class Launching {
  readonly #parts: LaunchingParts;
  readonly #told = new Map<Launcher, Telling>();
  readonly #notices = new Map<string, Notice>();
  #demands: () => readonly Demand[] = () => [];
  #later: Timer | null = null;
  #soon: Timer | null = null;
  #isClosed = false;

  constructor(parts: LaunchingParts) {
    this.#parts = parts;
  }

  get workersSurvive(): boolean {
    return this.#parts.launchers.some(({ workersSurvive }) => workersSurvive);
  }

  get notices(): readonly Notice[] {
    return [...this.#notices.values()];
  }

  /** @throws SweepError PLACE_ABSENT for a sweep whose trials nobody here could run, or what its place's launcher says */
  check(place: Place): void {
    const launcher = this.#of(place.on);
    // Whoever joins by hand is local too, so that nobody need have started it.
    if (launcher === undefined && place.on !== 'local') {
      throw new SweepError('PLACE_ABSENT', `this control plane starts no workers on ${place.on}`, {
        hint: `\`dss serve --on ${place.on}\` does; a sweep on: local goes to workers that have joined`,
      });
    }
    launcher?.check(place);
  }

  /** `demands` is asked at each change and once a minute. */
  open(surroundings: Surroundings, demands: () => readonly Demand[]): void {
    this.#demands = demands;
    for (const launcher of this.#parts.launchers) {
      launcher.open({
        ...surroundings,
        grantPool: (pool) => this.#grant(pool),
        revokePool: (pool) => this.#revokeAllBut(pool, 0),
        onNotice: (key, notice) => this.#note(`${launcher.place}:${key}`, notice),
      });
      this.#told.set(launcher, new Telling(launcher, this.#parts.onFail));
    }
    if (this.#parts.launchers.length > 0) this.#tellAgain();
  }

  /** Something has changed that may change what the sweeps ask for: many things do at once. */
  tellSoon(): void {
    if (this.#told.size === 0 || this.#soon !== null) return;
    this.#soon = this.#parts.clock.after(SETTLE_MS, () => {
      this.#soon = null;
      this.tell();
    });
  }

  /** What the sweeps ask for has changed. */
  tell(): void {
    if (this.#told.size === 0 || this.#isClosed) return;
    const demands = this.#demands();
    for (const [launcher, telling] of this.#told) {
      telling.tell(demands.filter(({ place }) => place.on === launcher.place));
    }
  }

  async list(): Promise<readonly LaunchedWorker[]> {
    return (await Promise.all(this.#parts.launchers.map((launcher) => launcher.list()))).flat();
  }

  drain(): void {
    for (const launcher of this.#parts.launchers) {
      try {
        launcher.drain();
      } catch (reason) {
        this.#parts.onFail(SweepError.from(reason));
      }
    }
  }

  /** Of all of them, even where one of them throws; that is thrown when the others have ended. */
  async close(): Promise<void> {
    this.#later?.cancel();
    this.#soon?.cancel();
    this.#isClosed = true;
    for (const telling of this.#told.values()) telling.end();
    this.#told.clear();
    const closed = await Promise.allSettled(this.#parts.launchers.map(async (launcher) => launcher.close()));
    for (const each of closed) if (each.status === 'rejected') throw each.reason;
  }

  #tellAgain(): void {
    this.#later = this.#parts.clock.after(TELL_EVERY_MS, () => {
      this.tell();
      this.#tellAgain();
    });
  }

  #of(name: PlaceName): Launcher | undefined {
    return this.#parts.launchers.find(({ place }) => place === name);
  }

  #note(key: string, notice: Notice | null): void {
    if (notice === null) this.#notices.delete(key);
    else this.#notices.set(key, notice);
  }

  #grant(pool: string): string {
    // First: of several of one moment, nobody could tell the new one.
    this.#revokeAllBut(pool, TOKENS_PER_POOL - 1);
    const createdAt = new Date(this.#parts.clock.unixMs()).toISOString();
    return this.#parts.granted.grant({ kind: 'pool', pool, createdAt, expiresAt: null });
  }

  #revokeAllBut(pool: string, kept: number): void {
    const { granted } = this.#parts;
    const ofPool = granted.list().filter((each) => each.kind === 'pool' && each.pool === pool);
    for (const { id } of ofPool.slice(0, Math.max(0, ofPool.length - kept))) granted.revoke('pool', id);
  }
}

/** Tells one launcher one thing at a time, and of what has changed meanwhile only the last. */
class Telling {
  readonly #launcher: Launcher;
  readonly #onFail: (error: SweepError) => void;
  #next: readonly Demand[] | null = null;
  #isBusy = false;
  #isOver = false;

  constructor(launcher: Launcher, onFail: (error: SweepError) => void) {
    this.#launcher = launcher;
    this.#onFail = onFail;
  }

  tell(demands: readonly Demand[]): void {
    if (this.#isOver) return;
    this.#next = demands;
    if (!this.#isBusy) void this.#go();
  }

  /** What waits to be told is not told any more. */
  end(): void {
    this.#isOver = true;
    this.#next = null;
  }

  async #go(): Promise<void> {
    this.#isBusy = true;
    try {
      for (let demands = this.#next; demands !== null; demands = this.#next) {
        this.#next = null;
        await this.#launcher.want(demands);
      }
    } catch (reason) {
      this.#onFail(SweepError.from(reason));
    } finally {
      this.#isBusy = false;
    }
  }
}
