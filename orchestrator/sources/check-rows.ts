/** Looks at every row of a dataset's files once, and remembers by content what it found. */
import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../core/canonical-json.js';
import type { SourceFile } from '../core/domain.js';
import { linesOf } from './file-hashes.js';
import { JsonCache } from './json-cache.js';
import { described, isWellFormed, type JsonObject, type RowCheck } from './row-formats.js';

/** Changes whenever the same content may be judged otherwise. */
const VERSION = 2;

const Checked = z.object({
  rows: z.number(),
  /** By check: the first row that fails it, and how many do. */
  wrong: z.record(z.string(), z.object({ place: z.string(), message: z.string(), count: z.number() })),
});
export type CheckedRows = z.infer<typeof Checked>;

export class RowChecks {
  readonly #cache: JsonCache<CheckedRows>;

  private constructor(cache: JsonCache<CheckedRows>) {
    this.#cache = cache;
  }

  static async open(home: string): Promise<RowChecks> {
    return new RowChecks(await JsonCache.open(join(home, 'cache', 'row-checks.json'), Checked));
  }

  save(): Promise<void> {
    return this.#cache.save();
  }

  /**
   * A file with a JSON object a line; empty lines are no rows.
   *
   * @param rule what the checks depend on besides the content
   */
  lines(
    root: string,
    file: SourceFile,
    rule: unknown,
    checks: Readonly<Record<string, RowCheck>>,
    signal?: AbortSignal,
  ): Promise<CheckedRows> {
    return this.#cache.get(keyOf(file, rule), () => checkLines(join(root, file.path), checks, signal));
  }

  /** A file with one JSON array of a teacher's texts. */
  texts(root: string, file: SourceFile): Promise<CheckedRows> {
    return this.#cache.get(keyOf(file, 'texts'), () => checkTexts(join(root, file.path)));
  }
}

function keyOf({ sha256 }: SourceFile, rule: unknown): string {
  return canonicalJson([VERSION, sha256, rule]);
}

async function checkLines(
  path: string,
  checks: Readonly<Record<string, RowCheck>>,
  signal: AbortSignal | undefined,
): Promise<CheckedRows> {
  const found = new Findings();
  let rows = 0;
  let line = 0;
  for await (const bytes of linesOf(path, signal)) {
    line += 1;
    const parsed = parse(line === 1 ? withoutMark(bytes) : bytes);
    if (parsed === null) continue;
    rows += 1;
    for (const [name, check] of Object.entries(checks)) {
      const message =
        'wrong' in parsed ? parsed.wrong : isObject(parsed.value) ? check(parsed.value) : notAnObject(parsed);
      if (message !== null) found.add(name, `:${line}`, message);
    }
  }
  return { rows, wrong: found.byCheck };
}

async function checkTexts(path: string): Promise<CheckedRows> {
  const found = new Findings();
  const parsed = parse(withoutMark(await readFile(path))) ?? { wrong: 'expected a JSON array of texts, got nothing' };
  if ('wrong' in parsed || !Array.isArray(parsed.value)) {
    const wrong = 'wrong' in parsed ? parsed.wrong : `expected a JSON array of texts, got ${described(parsed.value)}`;
    found.add('text', '', wrong);
    return { rows: 0, wrong: found.byCheck };
  }
  const texts: readonly unknown[] = parsed.value;
  for (const [index, text] of texts.entries()) {
    if (typeof text !== 'string') found.add('text', `[${index}]`, `expected a text, got ${described(text)}`);
    else if (!isWellFormed(text)) found.add('text', `[${index}]`, 'expected a text, got half of a surrogate pair');
  }
  return { rows: texts.length, wrong: found.byCheck };
}

type Parsed = { readonly value: unknown } | { readonly wrong: string };

/** `null` for a line of blanks. */
function parse(bytes: Buffer): Parsed | null {
  if (!isUtf8(bytes)) return { wrong: 'expected UTF-8, got other bytes' };
  const text = bytes.toString('utf8');
  // What Python takes for white space in bytes; String.trim knows more kinds.
  if (/^[ \t\r\n\v\f]*$/.test(text)) return null;
  try {
    return { value: JSON.parse(text) };
  } catch (cause) {
    return { wrong: `expected JSON, got other text (${(cause as Error).message})` };
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notAnObject({ value }: { readonly value: unknown }): string {
  return `expected a JSON object, got ${described(value)}`;
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? bytes.subarray(3) : bytes;
}

class Findings {
  readonly byCheck: CheckedRows['wrong'] = {};

  add(name: string, place: string, message: string): void {
    const first = this.byCheck[name];
    if (first === undefined) this.byCheck[name] = { place, message, count: 1 };
    else first.count += 1;
  }
}
