/** Writes a file beside its name and moves it there: a reader sees the old one or the new one, never a part. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface WrittenFile {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** A line at a time would be a call of the system for each. */
const BUFFER_CHARACTERS = 1 << 18;

/** Makes the folder too. Text is taken a piece at a time, so that no more of a long file lies in memory. */
export async function writeFile(
  path: string,
  content: Iterable<string> | AsyncIterable<string> | Uint8Array,
): Promise<WrittenFile> {
  const beside = `${path}.${randomBytes(6).toString('hex')}.part`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const file = await open(beside, 'wx');
    const hash = createHash('sha256');
    let sizeBytes = 0;
    try {
      for await (const bytes of content instanceof Uint8Array ? [content] : inLargePieces(content)) {
        hash.update(bytes);
        sizeBytes += bytes.length;
        await file.appendFile(bytes);
      }
    } finally {
      await file.close();
    }
    await rename(beside, path);
    return { sha256: hash.digest('hex'), sizeBytes };
  } catch (reason) {
    await rm(beside, { force: true });
    throw reason;
  }
}

async function* inLargePieces(text: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let pieces: string[] = [];
  let length = 0;
  for await (const part of text) {
    pieces.push(part);
    length += part.length;
    if (length < BUFFER_CHARACTERS) continue;
    yield Buffer.from(pieces.join(''));
    pieces = [];
    length = 0;
  }
  if (length > 0) yield Buffer.from(pieces.join(''));
}
