/** What trials read and need, as one number: a million trials have a few of them. */
import type { TrialNeed } from './trial-need.js';
import { Words } from './words.js';

interface Shape {
  readonly kind: number;
  readonly need: TrialNeed;
}

export class TrialShapes {
  readonly #kinds = new Words();
  readonly #shapes: Shape[] = [];
  /** By kind: their numbers. */
  readonly #ofKind: number[][] = [];

  numberOf(word: string, need: TrialNeed): number {
    const kind = this.#kinds.numberOf(word);
    const known = this.#ofKind[kind] ?? [];
    this.#ofKind[kind] = known;
    const found = known.find((shape) => isEqual(this.needOf(shape), need));
    if (found !== undefined) return found;
    known.push(this.#shapes.length);
    return this.#shapes.push({ kind, need }) - 1;
  }

  kindOf(shape: number): number {
    return (this.#shapes[shape] as Shape).kind;
  }

  wordOf(shape: number): string {
    return this.#kinds.wordOf(this.kindOf(shape));
  }

  needOf(shape: number): TrialNeed {
    return (this.#shapes[shape] as Shape).need;
  }
}

function isEqual(a: TrialNeed, b: TrialNeed): boolean {
  const isAsWide = a.devices === b.devices && a.machines === b.machines && a.minMachines === b.minMachines;
  return isAsWide && a.memoryBytes === b.memoryBytes;
}
