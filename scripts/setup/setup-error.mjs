/** What stopped the set-up, and what a person can do about it. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {string} [hint] the next step
   */
  constructor(message, hint) {
    super(message);
    this.name = 'SetupError';
    this.hint = hint;
  }
}

/** A signal came: everything is left so that the next set-up goes on from here. */
export class Interrupted extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`stopped by ${signal}; the same command goes on from here`);
    this.name = 'Interrupted';
    this.signal = signal;
  }
}
