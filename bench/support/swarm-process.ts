/** Simulated workers beside the benchmark. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SwarmCounts, SwarmGaps, SwarmOptions, SwarmQuestion } from './swarm-options.js';

const SWARM = fileURLToPath(new URL('./swarm.js', import.meta.url));
/** Small beside what is measured, and seldom enough to cost nothing. */
const LOOK_EVERY_MS = 50;

export class SwarmProcess {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(options: SwarmOptions) {
    this.#process = fork(SWARM, [JSON.stringify(options)]);
    this.#ended = new Promise((resolve) => this.#process.once('exit', () => resolve()));
  }

  async counts(): Promise<SwarmCounts> {
    return (await this.#ask('counts')) as SwarmCounts;
  }

  async gapsMs(): Promise<SwarmGaps> {
    return (await this.#ask('gaps')) as SwarmGaps;
  }

  /** Looks again and again. */
  async until(isReached: (counts: SwarmCounts) => boolean): Promise<SwarmCounts> {
    for (;;) {
      const counts = await this.counts();
      if (isReached(counts)) return counts;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  async end(): Promise<void> {
    this.#process.disconnect();
    await this.#ended;
  }

  /** One question at a time. */
  #ask(question: SwarmQuestion): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const gone = () => reject(new Error('the simulated workers have ended'));
      this.#process.once('exit', gone);
      this.#process.once('message', (answer) => {
        this.#process.off('exit', gone);
        resolve(answer);
      });
      this.#process.send(question);
    });
  }
}
