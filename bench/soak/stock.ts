/** The sweeps of the soak, one after the other, so that there is always something to run. */
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { runDss } from '../../test/support/dss.js';
import { DATASETS, writeTinySweep } from '../../test/support/tiny-sweep.js';

const SEEDS_PER_SWEEP = 24;
const LEAST_LEFT = 8;

/** The same in the soak and in what it is compared with. A checkpoint every second or so. */
export function writeSoakSweep(folder: string, name: string, seeds: readonly number[]): string {
  const train = { eval_steps: 30, checkpoint_steps: 15 };
  return writeTinySweep(folder, { name, methods: ['standard'], seeds, maxSteps: 90, train });
}

export class Stock {
  readonly sweeps: string[] = [];
  readonly #folder: string;
  readonly #home: string;

  constructor(folder: string, home: string) {
    this.#folder = folder;
    this.#home = home;
  }

  /** Hands over another sweep when little is left of the last. */
  async fill(): Promise<void> {
    if (this.#left() >= LEAST_LEFT) return;
    const number = this.sweeps.length;
    const seeds = Array.from({ length: SEEDS_PER_SWEEP }, (_, each) => number * SEEDS_PER_SWEEP + each);
    const name = `soak-${number}`;
    const file = writeSoakSweep(this.#folder, name, seeds);
    await this.#dss('sweep', file, '--detach');
    this.sweeps.push(name);
  }

  succeeded(): number {
    return this.#counts('succeeded');
  }

  /** What chance killed too often has failed, as it should: it is asked for again. */
  async isDone(): Promise<boolean> {
    if (this.#left() > 0) return false;
    if (this.#counts('failed') === 0) return true;
    for (const sweep of this.sweeps) await this.#dss('retry', sweep, '--failed');
    return false;
  }

  #left(): number {
    return this.#counts('queued') + this.#counts('running');
  }

  #counts(state: 'queued' | 'running' | 'succeeded' | 'failed'): number {
    const journal = openJournalReader(this.#home);
    if (journal === null) return 0;
    try {
      return journal.sweeps().reduce((sum, { counts }) => sum + counts[state], 0);
    } finally {
      journal.close();
    }
  }

  async #dss(...words: readonly string[]): Promise<void> {
    const { code, stderr } = await runDss(words, { env: { DSS_HOME: this.#home, DSS_DATASETS: DATASETS } });
    if (code !== 0) throw new Error(`dss ${words.join(' ')} ended with ${code}:\n${stderr}`);
  }
}
