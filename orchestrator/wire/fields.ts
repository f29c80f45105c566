/** Checks of single fields. Absent means zero in proto3, so a field is asked for by what it must be. */

/** A message that does not say what the contract has it say. The peer's fault, never a reason to end. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new WireError(`${name} is missing`);
  return value;
}

export function oneOf<T extends string>(
  value: string | undefined,
  allowed: Readonly<Record<T, true>>,
  name: string,
): T {
  if (value !== undefined && Object.hasOwn(allowed, value)) return value as T;
  throw new WireError(`${name} is ${JSON.stringify(value ?? '')}, expected ${Object.keys(allowed).join(' or ')}`);
}

export function matching(value: string | undefined, pattern: RegExp, name: string): string {
  if (value !== undefined && pattern.test(value)) return value;
  throw new WireError(`${name} is ${JSON.stringify((value ?? '').slice(0, 80))}, expected ${pattern.source}`);
}

/** For counts and sizes, which numbers hold exactly. */
export function safeInteger(value: bigint | undefined, name: string): number {
  const number = Number(value ?? 0n);
  if (!Number.isSafeInteger(number)) throw new WireError(`${name} is ${value}, too large`);
  return number;
}

export function finite(value: number | undefined, name: string): number {
  const number = value ?? 0;
  if (!Number.isFinite(number)) throw new WireError(`${name} is ${number}, expected a finite number`);
  return number;
}

/** For shares of a whole, accuracies among them. */
export function share(value: number | undefined, name: string): number {
  const number = finite(value, name);
  if (number < 0 || number > 1) throw new WireError(`${name} is ${number}, expected a number from 0 to 1`);
  return number;
}

/** For times and rates. */
export function notNegative(value: number | undefined, name: string): number {
  const number = finite(value, name);
  if (number < 0) throw new WireError(`${name} is ${number}, expected a number of at least 0`);
  return number;
}

export function wholeBetween(value: number | undefined, least: number, most: number, name: string): number {
  const number = value ?? 0;
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new WireError(`${name} is ${number}, expected a whole number from ${least} to ${most}`);
}

/** Above 0. */
export function positive(value: number, name: string, most = Number.MAX_VALUE): number {
  if (value > 0 && value <= most) return value;
  const limit = most === Number.MAX_VALUE ? '' : ` and at most ${most}`;
  throw new WireError(`${name} is ${value}, expected a number above 0${limit}`);
}

/** Ids are parts of paths and of log lines. */
export const TRIAL_ID = /^[0-9a-f]{20}$/;
export const WORKER_ID = /^[a-z0-9-]{1,63}$/;
export const INSTANCE_ID = /^[A-Za-z0-9-]{1,64}$/;
export const SWEEP_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;
export const TEACHER_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;
