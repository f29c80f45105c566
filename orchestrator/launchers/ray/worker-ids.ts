/**
 * `ray-PLANE-KEY-SLOT-LIFE`: whose workers they are and of which pool, so that the next control plane on the same state
 * folder finds them, and two that start one at once start one. A gang has `-of-SIZE` behind it, and its members a number
 * behind that.
 */
const ID = /-(\d{1,6})-(\d{1,6})(?:-of-(\d{1,4}))?$/;

const LETTERS = 8;

/** Names a control plane by its state folder. */
export function planeOf(homeId: string): string {
  return homeId.slice(0, LETTERS);
}

/** What begins the ids of its workers and of its first looks; `null`: of every control plane. */
export function planePrefixOf(plane: string | null): readonly string[] {
  return plane === null ? ['ray-', 'dss-probe-'] : [`ray-${plane}-`, `dss-probe-${plane}-`];
}

export function prefixOf(plane: string, key: string): string {
  return `ray-${plane}-${key}-`;
}

interface Parsed {
  readonly slot: number;
  readonly life: number;
  /** 1: it is no gang. */
  readonly size: number;
}

function parse(workerId: string): Parsed | null {
  const match = ID.exec(workerId);
  return match === null ? null : { slot: Number(match[1]), life: Number(match[2]), size: Number(match[3] ?? 1) };
}

export function isWorkerId(workerId: string): boolean {
  return parse(workerId) !== null;
}

/** How many workers stand behind an id. */
export function sizeOf(workerId: string): number {
  return parse(workerId)?.size ?? 1;
}

/** The ids by which they join: of a gang each member's, else the one. */
export function membersOf(workerId: string): readonly string[] {
  const size = sizeOf(workerId);
  return size === 1 ? [workerId] : Array.from({ length: size }, (_, index) => `${workerId}-m${index + 1}`);
}

/** The workers of one pool by what their ids say: which slots are taken, and how many have lived in each. */
export class Slots {
  readonly #prefix: string;
  readonly #lives = new Map<number, number>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** A cluster may forget one that has ended; its id is not used again for that. */
  remember(workerId: string): void {
    const parsed = parse(workerId);
    if (parsed === null) return;
    this.#lives.set(parsed.slot, Math.max(this.#lives.get(parsed.slot) ?? 0, parsed.life));
  }

  /** Of the first slots in which nobody lives, each with the life that follows those that were. */
  next(alive: readonly string[], count: number, size: number): readonly string[] {
    const taken = new Set(alive.map((workerId) => parse(workerId)?.slot));
    const gang = size === 1 ? '' : `-of-${size}`;
    const ids: string[] = [];
    for (let slot = 1; ids.length < count; slot += 1) {
      if (!taken.has(slot)) ids.push(`${this.#prefix}${slot}-${(this.#lives.get(slot) ?? 0) + 1}${gang}`);
    }
    return ids;
  }
}
