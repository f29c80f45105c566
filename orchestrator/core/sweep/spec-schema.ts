/** What the sections of a sweep file are checked with. */
import { z } from 'zod';

export function mapping<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'invalid_type' ? 'expected a mapping' : undefined),
  });
}

/** A key with nothing after it is a key left for later. */
export const orAbsent = <T>(schema: z.ZodType<T>) => z.preprocess((value) => value ?? undefined, schema.optional());
