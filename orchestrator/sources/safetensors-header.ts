/** What a safetensors file says of itself: eight bytes with the length of a JSON object, that object, and the tensors' bytes. */
import { open } from 'node:fs/promises';

const LENGTH_BYTES = 8;
/** As its own library has it. */
const MOST_HEADER_BYTES = 100_000_000;

export interface SafetensorsHeader {
  readonly names: ReadonlySet<string>;
  /** Of the whole file, if nothing of it is missing. */
  readonly sizeBytes: number;
}

/** `null`: it is no such file, or its header is cut short. Throws what reading it throws. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader | null> {
  const file = await open(path);
  try {
    const length = await piece(file, 0, LENGTH_BYTES);
    if (length === null) return null;
    const size = length.readBigUInt64LE();
    if (size > MOST_HEADER_BYTES) return null;
    const text = await piece(file, LENGTH_BYTES, Number(size));
    return text === null ? null : headerOf(text.toString('utf8'), LENGTH_BYTES + Number(size));
  } finally {
    await file.close();
  }
}

/** `null`: the file ends before. */
async function piece(file: Awaited<ReturnType<typeof open>>, from: number, bytes: number): Promise<Buffer | null> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, from);
  return bytesRead === bytes ? buffer : null;
}

function headerOf(text: string, before: number): SafetensorsHeader | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const tensors = Object.entries(value).filter(([name]) => name !== '__metadata__');
  let end = 0;
  for (const [, tensor] of tensors) {
    const offsets: unknown = (tensor as { readonly data_offsets?: unknown } | null)?.data_offsets;
    if (!Array.isArray(offsets) || !Number.isSafeInteger(offsets[1])) return null;
    end = Math.max(end, offsets[1] as number);
  }
  return { names: new Set(tensors.map(([name]) => name)), sizeBytes: before + end };
}
