/** Time and chance come in from outside, so that tests decide both. */
import { randomBytes } from 'node:crypto';

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic: leases live by it, so that setting the wall clock harms none. */
  nowMs(): number;
  /** Wall time, for people only. */
  unixMs(): number;
  after(delayMs: number, call: () => void): Timer;
}

export interface Random {
  bytes(length: number): Uint8Array;
  /** In [0, 1). */
  unit(): number;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  unit: () => Math.random(),
};
