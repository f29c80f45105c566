/**
 * One thing that the set-up makes, and remakes only when it is not current.
 * @typedef {object} Part
 * @property {string} name
 * @property {() => Promise<boolean>} isCurrent fast: asked on every `npm start` and `npm test`
 * @property {(signal: AbortSignal) => Promise<unknown>} [check] throws what is bound to fail it, before any part is made
 * @property {(work: Work) => Promise<string>} make gives what was done, in a few words
 *
 * @typedef {object} Work
 * @property {(what: string) => void} say
 * @property {AbortSignal} signal
 */
export {};
