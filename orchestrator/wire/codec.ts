/** Generated messages ↔ domain values, both ways. Nothing but these files and the services' edges sees a message. */
export * from './client-codec.js';
export * from './common-codec.js';
export { WireError } from './fields.js';
export * from './reading-codec.js';
export * from './store-codec.js';
export * from './worker-codec.js';
