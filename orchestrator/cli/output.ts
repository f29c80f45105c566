/** What a command says: the answer on stdout, everything else on stderr. */
import { printable } from '../core/text.js';

export function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** The one document of `--json`. JSON escapes control characters itself. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

/** With the next step below it, if there is one. */
export function noteWithHint(text: string, hint: string): void {
  note(text);
  if (hint !== '') note(`  ${hint}`);
}

export function noteError(text: string, hint: string): void {
  process.stderr.write(`${painterFor(process.stderr)('red', 'error:')} `);
  noteWithHint(text, hint);
}

type Style = 'bold' | 'dim' | 'red' | 'green';

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
};

export type Paint = (style: Style, text: string) => string;

/** Colours only for a person at a terminal who has not asked for none (no-color.org). */
export function painterFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  const wanted = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return wanted ? (style, text) => `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m` : (_, text) => text;
}
