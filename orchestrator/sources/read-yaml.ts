/**
 * YAML of a stranger, within limits, and where each part of it stands.
 *
 * 2026-11: limits are checked on the concrete syntax tree, before anything is composed. `parseDocument` recurses by
 * depth, and a few kilobytes of `- - - …` make it end the whole process in V8's regular-expression compiler, where
 * nothing can be caught. Repeated keys are looked for here too, since its own search is quadratic.
 */
import { isUtf8 } from 'node:buffer';
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Alias,
  type CST,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  parseDocument,
  visit,
} from 'yaml';
import { closest } from '../core/closest.js';
import { SweepError } from '../core/errors.js';
import { type PlacedIssue, SpecError } from '../core/sweep/spec-error.js';

const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 64;
const MAX_ALIASES = 100;
const SHOWN_FILES = 5;

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface YamlFile {
  readonly value: unknown;
  /** Of a value or of its key; of what is nearest above it when it is absent. */
  locate(path: readonly (string | number)[], at: 'key' | 'value'): Place;
}

/** @throws SweepError SPEC_INVALID; a SpecError with the places of all mistakes where it is text */
export async function readYaml(file: string): Promise<YamlFile> {
  const text = decode(await readBytes(file), file);
  const lines = new LineCounter();
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const fail = (offset: number, message: string, hint = '') =>
    new SpecError(file, [issueAt(file, placeOf(offset), message, hint)]);

  const deep = findDeeper(tokens, MAX_DEPTH);
  if (deep !== null) throw fail(deep, `nested deeper than ${MAX_DEPTH} levels`);
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, stringKeys: true });
  const problems = [
    ...[...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
      offset: pos[0],
      message: code === 'MULTIPLE_DOCS' ? 'expected one document, and another begins here' : message,
    })),
    ...repeatedKeys(document),
  ];
  if (problems.length > 0) {
    throw new SpecError(
      file,
      problems.map(({ offset, message }) => issueAt(file, placeOf(offset), tidy(message), '')),
    );
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    throw fail(0, 'the file is empty');
  }
  const aliases = aliasesOf(document);
  const tooMany = aliases[MAX_ALIASES];
  if (tooMany !== undefined) throw fail(startOf(tooMany), `more than ${MAX_ALIASES} aliases`);
  const loose = aliases.find((alias) => alias.resolve(document) === undefined);
  if (loose !== undefined) throw fail(startOf(loose), `there is no anchor &${loose.source} above this alias`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    throw fail(startOf(aliases[0]), `its aliases, written out, would be more than ${MAX_ALIASES} times as long`);
  }
  return { value, locate: (path, at) => placeOf(offsetOf(document, path, at)) };
}

async function readBytes(file: string): Promise<Buffer> {
  const handle = await open(file).catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT')
      throw new SweepError('SPEC_INVALID', `${file} cannot be read: ${cause.message}`, { cause });
    throw new SweepError('SPEC_INVALID', `there is no file at ${file}`, { cause, hint: await hintFor(file) });
  });
  try {
    const found = await handle.stat();
    if (found.isDirectory()) {
      throw new SweepError('SPEC_INVALID', `${file} is a directory`, { hint: 'name the YAML file in it' });
    }
    // One byte more than allowed: the size that a pipe or a growing file says is not what comes, and a pipe gives at a
    // time what has been written by then.
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let size = 0;
    while (size < buffer.length) {
      const { bytesRead } = await handle.read(buffer, size, buffer.length - size);
      if (bytesRead === 0) break;
      size += bytesRead;
    }
    if (found.size > MAX_BYTES || size > MAX_BYTES) {
      throw new SweepError('SPEC_INVALID', `${file} is larger than 1 MiB`);
    }
    return buffer.subarray(0, size);
  } finally {
    await handle.close();
  }
}

async function hintFor(file: string): Promise<string> {
  const folder = dirname(file);
  const others = await readdir(folder).catch(() => null);
  if (others === null) return `there is no folder ${folder} either`;
  const files = others.filter((name) => /\.ya?ml$/.test(name));
  const meant = closest(basename(file), files);
  if (meant !== null) return `did you mean ${join(folder, meant)}?`;
  return files.length > 0
    ? `in ${folder} there is ${files.sort().slice(0, SHOWN_FILES).join(', ')}`
    : 'name a sweep file; docs/sweep-file.md says what one holds';
}

function decode(bytes: Buffer, file: string): string {
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  // A line feed is never part of a longer character, so that lines can be looked at one by one.
  let start = 0;
  for (let line = 1; ; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    const content = bytes.subarray(start, end < 0 ? bytes.length : end);
    if (!isUtf8(content)) {
      const column = firstBad(content) + 1;
      throw new SpecError(file, [issueAt(file, { line, column }, 'not UTF-8', 'save the file as UTF-8')]);
    }
    start = end + 1;
  }
}

/** Characters before the first byte that is not UTF-8. */
function firstBad(line: Buffer): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let characters = 0;
  for (const byte of line) {
    try {
      characters += decoder.decode(Uint8Array.of(byte), { stream: true }).length;
    } catch {
      return characters;
    }
  }
  return characters;
}

function issueAt(file: string, place: Place, message: string, hint: string): PlacedIssue {
  return { file, ...place, path: '', message, hint };
}

/** The parser's messages end in full stops and begin with capitals; ours do neither. */
function tidy(message: string): string {
  if (message.startsWith('With stringKeys')) return 'expected a text as key; write it in quotes';
  return `${message.charAt(0).toLowerCase()}${message.slice(1)}`.replace(/\.$/, '');
}

/** The offset of the first token below `limit` levels; a stack of our own, since it is depth that is feared. */
function findDeeper(tokens: readonly CST.Token[], limit: number): number | null {
  const waiting: [CST.Token, number][] = tokens.map((token) => [token, 0]);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [token, depth] = next;
    if (depth > limit) return token.offset;
    if (token.type === 'document' && token.value !== undefined) waiting.push([token.value, depth]);
    if (!('items' in token)) continue;
    for (const { key, value } of token.items) {
      if (key) waiting.push([key, depth + 1]);
      if (value) waiting.push([value, depth + 1]);
    }
  }
  return null;
}

function repeatedKeys(document: Document): readonly { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) found.push({ offset: startOf(key), message: `the key "${key.value}" is given twice` });
        seen.add(key.value);
      }
    },
  });
  return found;
}

function aliasesOf(document: Document): readonly Alias[] {
  const found: Alias[] = [];
  visit(document, { Alias: (_key, alias) => void found.push(alias) });
  return found;
}

function offsetOf(document: Document, path: readonly (string | number)[], at: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isCollection(node)) return offset;
    const child: unknown = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && key.value === part)
      : node.items[Number(part)];
    if (child === undefined) return offset;
    const wantsKey = at === 'key' && index === path.length - 1;
    offset = isPair(child) ? startOfPair(child, wantsKey) : startOf(child);
    node = isPair(child) ? child.value : child;
  }
  return offset;
}

function startOfPair({ key, value }: Pair, wantsKey: boolean): number {
  return wantsKey || !hasRange(value) ? startOf(key) : startOf(value);
}

function startOf(node: unknown): number {
  return hasRange(node) ? node.range[0] : 0;
}

function hasRange(node: unknown): node is Node & { range: [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}
