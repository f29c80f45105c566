/** How long a dataset's texts are, from the first rows of its training split: a quick look, before anything is paid. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { lengthsOfCharacters, type TokenLengths } from '../core/cost/lengths.js';
import type { DatasetSource } from '../core/domain.js';

const SAMPLE_BYTES = 256 * 1024;
const MAX_ROWS = 500;

export interface Sample {
  readonly lengths: TokenLengths;
  readonly bytesPerRow: number;
}

/** Of layout `folder`; `null` where no whole row was found. */
export async function sampleLengths({ directory, files, fields, templates }: DatasetSource): Promise<Sample | null> {
  const train = files.find(({ role }) => role === 'train');
  if (train === undefined) return null;
  const lines = wholeLines(await readStart(join(directory, train.path)), train.sizeBytes);
  const inputs = [...(templates['input'] ?? '').matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name ?? '');
  const named = inputs.length > 0 ? inputs : [fields['input'] ?? 'input'];
  const characters = { input: [] as number[], label: [] as number[], rationale: [] as number[] };
  for (const line of lines) {
    const row = parsed(line);
    if (row === null) continue;
    const lengthOf = (name: string | undefined) => {
      const value = name === undefined ? undefined : row[name];
      return typeof value === 'string' ? value.length : 0;
    };
    characters.input.push(named.reduce((sum, name) => sum + lengthOf(name), 0));
    characters.label.push(lengthOf(fields['label'] ?? 'label'));
    const rationale = lengthOf(fields['rationale']);
    if (rationale > 0) characters.rationale.push(rationale);
  }
  if (characters.input.length === 0) return null;
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  return { lengths: lengthsOfCharacters(characters), bytesPerRow: bytes / lines.length };
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path).catch(() => null);
  if (file === null) return Buffer.alloc(0);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function wholeLines(start: Buffer, sizeBytes: number): readonly string[] {
  const lines = start.toString('utf8').split('\n');
  if (start.length < sizeBytes) lines.pop();
  return lines.filter((line) => line.trim() !== '').slice(0, MAX_ROWS);
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
