/**
 * Reads what is plain in a pickle without unpickling it, which would mean to do what it says. Opcodes are stepped over
 * one after the other; their arguments are kept where they are text.
 */
import { stripVTControlCharacters } from 'node:util';

export interface Scanned {
  /** All text, in order: values, and names of modules and classes. */
  readonly texts: readonly string[];
  /** Objects are made, or functions called: it is not a plain value. */
  readonly makesObjects: boolean;
}

/** How long the argument of an opcode is: so many bytes, a count of so many bytes before it, or lines. */
type Argument =
  | { readonly bytes: number }
  | { readonly counted: number; readonly isText?: boolean }
  | { readonly lines: number };

const ARGUMENTS: Readonly<Record<string, Argument>> = {
  ...each('F I L P S V g p', { lines: 1 }),
  ...each('c i', { lines: 2 }),
  ...each('K h q', { bytes: 1 }),
  ...each('M', { bytes: 2 }),
  ...each('J j r', { bytes: 4 }),
  ...each('G', { bytes: 8 }),
  ...each('T B', { counted: 4 }),
  ...each('U C', { counted: 1 }),
  X: { counted: 4, isText: true },
  '\x80': { bytes: 1 },
  '\x82': { bytes: 1 },
  '\x83': { bytes: 2 },
  '\x84': { bytes: 4 },
  '\x8a': { counted: 1 },
  '\x8b': { counted: 4 },
  '\x8c': { counted: 1, isText: true },
  '\x8d': { counted: 8, isText: true },
  '\x8e': { counted: 8 },
  '\x95': { bytes: 8 },
  '\x96': { counted: 8 },
};

const WITHOUT_ARGUMENT = new Set([
  ...'()012NQRabd}e]lostu'.split(''),
  ...['\x81', '\x85', '\x86', '\x87', '\x88', '\x89', '\x8f', '\x90', '\x91', '\x92', '\x93', '\x94', '\x97', '\x98'],
]);
const MAKES_OBJECTS = new Set([...'cioRbQP'.split(''), '\x81', '\x82', '\x83', '\x84', '\x92', '\x93']);
const NEWLINE = 0x0a;

function each(opcodes: string, argument: Argument): Readonly<Record<string, Argument>> {
  return Object.fromEntries(opcodes.split(' ').map((opcode) => [opcode, argument]));
}

/** `null`: it is no pickle, or ends too early. */
export function scanPickle(bytes: Buffer): Scanned | null {
  const texts: string[] = [];
  let makesObjects = false;
  let at = 0;
  while (at < bytes.length) {
    const opcode = String.fromCharCode(bytes[at] ?? 0);
    at += 1;
    if (opcode === '.') return { texts, makesObjects };
    if (MAKES_OBJECTS.has(opcode)) makesObjects = true;
    if (WITHOUT_ARGUMENT.has(opcode)) continue;
    const argument = Object.hasOwn(ARGUMENTS, opcode) ? ARGUMENTS[opcode] : undefined;
    if (argument === undefined) return null;
    if ('bytes' in argument) {
      at += argument.bytes;
    } else if ('lines' in argument) {
      for (let line = 0; line < argument.lines; line += 1) {
        const end = bytes.indexOf(NEWLINE, at);
        if (end < 0) return null;
        texts.push(bytes.toString('latin1', at, end));
        at = end + 1;
      }
    } else {
      const count = countAt(bytes, at, argument.counted);
      at += argument.counted;
      if (count === null || at + count > bytes.length) return null;
      if (argument.isText === true) texts.push(bytes.toString('utf8', at, at + count));
      at += count;
    }
  }
  return null;
}

function countAt(bytes: Buffer, at: number, size: number): number | null {
  if (at + size > bytes.length) return null;
  return size === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, size);
}

/** The text that a pickle is; `null`: it is something else, an exception perhaps. */
export function textOfPickle(bytes: Buffer): string | null {
  const scanned = scanPickle(bytes);
  return scanned === null || scanned.makesObjects || scanned.texts.length !== 1 ? null : (scanned.texts[0] ?? null);
}

const ERROR_NAME = /^[A-Z]\w*(?:Error|Exception|Exit)$/;

/** What a pickled exception says: its class and the text that says most. */
export function errorOfPickle(bytes: Buffer): { readonly name: string; readonly message: string } {
  const texts = scanPickle(bytes)?.texts ?? [];
  // Ray wraps what a task has thrown; the inner one is named last and says what happened.
  const name = texts.findLast((text) => ERROR_NAME.test(text)) ?? 'unknown error';
  const lines = texts.flatMap((text) => stripVTControlCharacters(text).split('\n'));
  const named = lines.findLast((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
  const longest = lines.reduce((most, line) => (line.includes(' ') && line.length > most.length ? line : most), '');
  return { name, message: (named ?? longest).trim() };
}
