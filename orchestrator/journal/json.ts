/** JSON that is the same for equal values and keeps numbers that JSON has no words for. */
import { createHash } from 'node:crypto';
import type { Evaluation, TrainingPoint, TrialResult } from '../core/domain.js';
import type { JournalEvent } from '../core/events.js';

/** Keys sorted, so that equal values are equal texts. */
export function stableJson(value: unknown): string {
  return JSON.stringify(storable(value));
}

/** A copy, since JSON.stringify with a replacer takes twice as long, on every event. */
function storable(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return nameOf(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(storable);
  const fields = value as Readonly<Record<string, unknown>>;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(fields).sort()) sorted[key] = storable(fields[key]);
  return sorted;
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Names what a trial reads, by the digests of both sources. Short, since there may be a million trials. */
export function kindOf(modelDigest: string, datasetDigest: string): string {
  return `${modelDigest.slice(0, 12)}:${datasetDigest.slice(0, 12)}`;
}

export function encodeResult(result: TrialResult): string {
  return stableJson(result);
}

export function decodeResult(text: string): TrialResult {
  return revive(JSON.parse(text)) as TrialResult;
}

/** Without the evaluations' bits; see schema.ts. */
export function encodeEvent(event: JournalEvent): string {
  if (event.kind !== 'measured') return stableJson(event);
  return stableJson({ ...event, evaluations: event.evaluations.map(({ correct: _, ...rest }) => rest) });
}

export function decodeEvent(text: string): JournalEvent {
  const value = revive(JSON.parse(text)) as { lease?: { token: string | bigint } | null } & JournalEvent;
  if ('lease' in value && value.lease !== null && value.lease !== undefined) {
    const lease = { ...value.lease, token: BigInt(value.lease.token) };
    const event = { ...value, lease } as JournalEvent;
    return event.kind === 'measured' ? { ...event, evaluations: event.evaluations.map(withoutBits) } : event;
  }
  return value;
}

export function withoutBits(evaluation: Evaluation): Evaluation {
  return { ...evaluation, correct: new Uint8Array() };
}

export function withoutRepeats<T extends TrainingPoint | Evaluation>(
  old: readonly T[],
  fresh: readonly T[],
): readonly T[] {
  const keyOf = (each: T) => ('split' in each ? `${each.step} ${each.split}` : `${each.step}`);
  const seen = new Set(old.map(keyOf));
  return fresh.filter((each) => {
    const key = keyOf(each);
    return seen.has(key) ? false : seen.add(key);
  });
}

function nameOf(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return value > 0 ? 'inf' : '-inf';
}

const NUMBERS: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};
/** Where numbers are expected; a text elsewhere may well say "inf". */
const NUMERIC = new Set(['loss', 'accuracy', 'testAccuracy', 'seconds', 'examplesPerSecond']);

function revive(value: unknown, numeric = false): unknown {
  if (typeof value === 'string') return numeric && value in NUMBERS ? NUMBERS[value] : value;
  if (Array.isArray(value)) return value.map((each) => revive(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === 'secondsByPhase' ? reviveNumbers(each) : revive(each, NUMERIC.has(key)),
    ]),
  );
}

function reviveNumbers(record: unknown): unknown {
  return Object.fromEntries(Object.entries(record as object).map(([key, each]) => [key, revive(each, true)]));
}
