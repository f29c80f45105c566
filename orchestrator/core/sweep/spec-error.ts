/** Mistakes in what a user asked for, each with its place. */
import { SweepError } from '../errors.js';

/** A mistake and where it is, in a sweep file or in the value of one. */
export interface SpecIssue {
  readonly path: readonly (string | number)[];
  /** Whether the key itself is wrong, or the value below it. */
  readonly at: 'key' | 'value';
  readonly message: string;
  /** The next step; may be empty. */
  readonly hint: string;
}

export interface PlacedIssue {
  readonly file: string;
  /** From 1; 0 where there is no text to point into. */
  readonly line: number;
  readonly column: number;
  /** `grid.seeds[1]`. */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

/** Nobody mends more at a time, and a file of junk has hundreds of thousands. */
const MAX_ISSUES = 50;

export class SpecError extends SweepError {
  readonly issues: readonly PlacedIssue[];

  constructor(file: string, issues: readonly PlacedIssue[]) {
    const sorted = issues.toSorted((a, b) => a.line - b.line || a.column - b.column);
    super(
      'SPEC_INVALID',
      `${file}: ${sorted
        .map(({ message }) => message)
        .slice(0, MAX_ISSUES)
        .join('; ')}`,
      {
        hint: sorted.length > MAX_ISSUES ? `these are the first ${MAX_ISSUES} mistakes; there are more` : '',
      },
    );
    this.issues = sorted.slice(0, MAX_ISSUES);
  }
}

/** `['grid', 'seeds', 1]` as `grid.seeds[1]`. */
export function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** A value as a message shows it: short, and on one line. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
