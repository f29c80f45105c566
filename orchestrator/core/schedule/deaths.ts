/**
 * Where the processes of attempts died. A trial that dies on worker after worker is to blame itself. One that dies
 * everywhere says nothing about a host; several different ones in a row, with no success between, say that it is the
 * host.
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

  add(row: number, workerId: string): void {
    this.#workers.set(row, [...this.of(row), workerId]);
  }

  /** A trial died there, or met what a machine in trouble does to any trial. `host` is `null` where nobody knows it. */
  blame(host: string | null, trialId: string): void {
    if (host !== null) this.#trials.set(host, (this.#trials.get(host) ?? new Set()).add(trialId));
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
  }

  distrusted(): readonly DistrustedHost[] {
    if (this.#trials.size === 0) return [];
    return [...this.#trials]
      .filter(([, trials]) => trials.size >= DEATHS_OF_A_HOST)
      .map(([host, trials]) => ({ host, reason: reasonOf(host, [...trials]) }));
  }
}

function reasonOf(host: string, trials: readonly string[]): string {
  const count = `${trials.length} different trials in a row`;
  return `${count} died, hung or got no memory on host ${host} (${trials.join(', ')}) and none succeeded between them`;
}
