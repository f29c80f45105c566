/**
 * Where the processes of attempts died. A trial that dies on worker after worker is to blame itself. One that dies
 * everywhere says nothing about a host; several different ones in a row, with no success between, say that it is the
 * host. A full disk says so at once.
 */

/** So many different trials in a row. */
const DEATHS_OF_A_HOST = 3;

export interface DistrustedHost {
  readonly host: string;
  readonly reason: string;
}

export class Deaths {
  /** By a trial's row: the workers, once for each death. */
  readonly #workers = new Map<number, readonly string[]>();
  /** By host: the trials for which it may be to blame since the last success there. */
  readonly #trials = new Map<string, Set<string>>();
  /** By host: a trial that found no room on its disk, and what was said of that. */
  readonly #full = new Map<string, { readonly trialId: string; readonly message: string }>();

  add(row: number, workerId: string): void {
    this.#workers.set(row, [...this.of(row), workerId]);
  }

  /** A trial died there, or met what a machine in trouble does to any trial. `host` is `null` where nobody knows it. */
  blame(host: string | null, trialId: string): void {
    if (host !== null) this.#trials.set(host, (this.#trials.get(host) ?? new Set()).add(trialId));
  }

  /** The next trials would find no room on its disk either. */
  fill(host: string, trialId: string, message: string): void {
    this.#full.set(host, { trialId, message });
  }

  /** Whether a host is to be lent nothing more for want of room that this trial has found there. */
  hasFilled(trialId: string): boolean {
    return [...this.#full.values()].some((each) => each.trialId === trialId);
  }

  /** The workers on which a trial died, once for each death. */
  of(row: number): readonly string[] {
    return this.#workers.get(row) ?? [];
  }

  /** The trial's budgets begin anew, or nobody asks for it any more. */
  forget(row: number): void {
    this.#workers.delete(row);
  }

  /** A trial succeeded there, or the host was dealt with. */
  startAnew(host: string): void {
    this.#trials.delete(host);
    this.#full.delete(host);
  }

  distrusted(): readonly DistrustedHost[] {
    if (this.#trials.size === 0 && this.#full.size === 0) return [];
    const full = [...this.#full].map(([host, { trialId, message }]) => ({
      host,
      reason: `on host ${host}, ${message} (${trialId}); make room there and start its worker again`,
    }));
    const deadly = [...this.#trials]
      .filter(([host, trials]) => trials.size >= DEATHS_OF_A_HOST && !this.#full.has(host))
      .map(([host, trials]) => ({ host, reason: reasonOf(host, [...trials]) }));
    return [...full, ...deadly];
  }
}

function reasonOf(host: string, trials: readonly string[]): string {
  const count = `${trials.length} different trials in a row`;
  return `${count} died, hung or got no memory on host ${host} (${trials.join(', ')}) and none succeeded between them`;
}
