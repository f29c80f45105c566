/** `{"error": {"code", "message", "hint"}}`, as the Python side answers, made an error of ours. */
import { type ErrorCode, EXIT_STATUS, SweepError } from '../core/errors.js';

export function asPythonError(value: unknown): SweepError | null {
  if (typeof value !== 'object' || value === null || !('error' in value)) return null;
  const { error } = value;
  if (typeof error !== 'object' || error === null) return null;
  const text = (name: string): string => {
    const found = (error as Readonly<Record<string, unknown>>)[name];
    return typeof found === 'string' ? found : '';
  };
  return new SweepError(isErrorCode(text('code')) ? (text('code') as ErrorCode) : 'DATASET_INVALID', text('message'), {
    hint: text('hint'),
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(EXIT_STATUS, code);
}
