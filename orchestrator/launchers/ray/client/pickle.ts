/**
 * Pickles that we write: protocol 4, without frames and memos, from a handful of opcodes. Nothing but plain values, one
 * class by its name and one call; what comes back is never unpickled (see pickle-scan.ts).
 */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

const PROTOCOL = Buffer.from([0x80, 0x04]);
const STOP = Buffer.from('.');
const NONE = Buffer.from('N');
const TRUE = Buffer.from([0x88]);
const FALSE = Buffer.from([0x89]);
const MARK = Buffer.from('(');
const TUPLE = Buffer.from('t');
const EMPTY_TUPLE = Buffer.from(')');
const EMPTY_LIST = Buffer.from(']');
const APPENDS = Buffer.from('e');
const EMPTY_DICT = Buffer.from('}');
const SETITEMS = Buffer.from('u');
const STACK_GLOBAL = Buffer.from([0x93]);
const REDUCE = Buffer.from('R');
const BINUNICODE = 0x58;
const BININT = 0x4a;
const LONG1 = 0x8a;
const BINFLOAT = 0x47;

/** A class, which the other side imports by its name. */
export function pickleClass(module: string, name: string): Buffer {
  return Buffer.concat([PROTOCOL, global(module, name), STOP]);
}

/** What a task is called with: no arguments by name. */
export function pickleArguments(...args: readonly Plain[]): Buffer {
  const all = args.length === 0 ? [EMPTY_TUPLE] : [MARK, ...args.map(plain), TUPLE];
  return Buffer.concat([PROTOCOL, MARK, ...all, EMPTY_DICT, TUPLE, STOP]);
}

export function picklePlain(value: Plain): Buffer {
  return Buffer.concat([PROTOCOL, plain(value), STOP]);
}

/** `JobConfig(None, None, runtime_env, False, {}, namespace)`: what every task of the session starts with. */
export function pickleJobConfig(runtimeEnv: Plain, namespace: string): Buffer {
  const args = [null, null, runtimeEnv, false, {}, namespace];
  const called = [MARK, ...args.map((each) => plain(each)), TUPLE, REDUCE];
  return Buffer.concat([PROTOCOL, global('ray.job_config', 'JobConfig'), ...called, STOP]);
}

function global(module: string, name: string): Buffer {
  return Buffer.concat([text(module), text(name), STACK_GLOBAL]);
}

function plain(value: Plain): Buffer {
  if (value === null) return NONE;
  if (value === true) return TRUE;
  if (value === false) return FALSE;
  if (typeof value === 'string') return text(value);
  if (typeof value === 'number') return number(value);
  if (isList(value)) {
    return value.length === 0 ? EMPTY_LIST : Buffer.concat([EMPTY_LIST, MARK, ...value.map(plain), APPENDS]);
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return EMPTY_DICT;
  return Buffer.concat([EMPTY_DICT, MARK, ...entries.flatMap(([key, each]) => [text(key), plain(each)]), SETITEMS]);
}

function isList(value: readonly Plain[] | { readonly [key: string]: Plain }): value is readonly Plain[] {
  return Array.isArray(value);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  const head = Buffer.alloc(5);
  head[0] = BINUNICODE;
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function number(value: number): Buffer {
  if (!Number.isSafeInteger(value)) {
    const bytes = Buffer.alloc(9);
    bytes[0] = BINFLOAT;
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (value >= -(2 ** 31) && value < 2 ** 31) {
    const bytes = Buffer.alloc(5);
    bytes[0] = BININT;
    bytes.writeInt32LE(value, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(10);
  bytes[0] = LONG1;
  bytes[1] = 8;
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}
