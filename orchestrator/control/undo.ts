/** What takes back what was begun, the last first. Every step has its turn, whichever of them fails. */
export class Undo {
  readonly #steps: (() => void | Promise<void>)[] = [];
  #running: Promise<void> | null = null;

  push(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  /** Once, whoever asks. Rejects with the first of what went wrong when all steps are done. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    const failed: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (reason) {
        failed.push(reason);
      }
    }
    if (failed.length > 0) throw failed[0];
  }
}
