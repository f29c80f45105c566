/** Numbers that several commands are told of workers. Small, since `dss serve` is to serve soon. */
import { SweepError } from '../../core/errors.js';
import { MAX_SLOTS } from '../../core/sweep/max-slots.js';

/** @throws SweepError USAGE */
export function parseWorkers(text: string): 'auto' | number {
  if (text === 'auto') return text;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1024) return count;
  throw new SweepError('USAGE', `--workers: expected auto or a number from 1 to 1024, got "${text}"`);
}

/** @throws SweepError USAGE */
export function parseSlots(slots: number): number {
  if (Number.isInteger(slots) && slots >= 1 && slots <= MAX_SLOTS) return slots;
  throw new SweepError('USAGE', `--slots: expected a whole number from 1 to ${MAX_SLOTS}, got ${slots}`, {
    hint: 'as many trials as are to share a device; each is a process of its own',
  });
}

/** @throws SweepError USAGE */
export function parseGrace(seconds: number): number {
  if (seconds >= 0 && seconds <= 86_400) return Math.round(seconds * 1000);
  throw new SweepError('USAGE', `--grace: expected seconds from 0 to 86400, got ${seconds}`);
}
