/** The manifest of a report, as `dss verify` reads it: it may come from anywhere. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SweepError } from '../../core/errors.js';
import {
  type CodeThatRan,
  MANIFEST_KIND,
  MANIFEST_NAME,
  MANIFEST_SCHEMA,
  type MadeByCode,
} from '../../reports/manifest.js';

const HINT = '`dss report SWEEP --out DIR` writes a report with its manifest';

/** Below the report's folder, and nowhere else. */
const FileName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*(\/[a-z0-9][a-z0-9.-]*)*$/, "expected a file's name within the report");

const Code = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex'),
  files: z.int().nonnegative(),
  ending: z.string(),
});

const ManifestValue = z.object({
  kind: z.literal(MANIFEST_KIND),
  schema: z.literal(MANIFEST_SCHEMA),
  dss_version: z.string(),
  sweep: z.string(),
  sweeps: z.array(z.string()).min(1),
  code: z.object({
    control_plane: Code,
    worker: Code.nullable(),
    // What a worker says of itself: a report shows it as it came.
    ran: z.array(z.object({ sha256: z.string().nullable(), trials: z.int().nonnegative() })),
  }),
  numbers: z.array(z.object({ address: z.string(), command: z.string() })),
  files: z.array(
    z.object({
      name: FileName,
      size_bytes: z.int().nonnegative(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex'),
    }),
  ),
});

export interface Manifest {
  readonly version: string;
  /** The report's name. */
  readonly sweep: string;
  /** Whose trials it shows. */
  readonly sweeps: readonly string[];
  readonly code: MadeByCode;
  readonly ran: readonly CodeThatRan[];
  /** What prints each row. */
  readonly numbers: readonly { readonly address: string; readonly command: string }[];
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
}

/** @throws SweepError USAGE */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_NAME);
  const { dss_version, sweep, sweeps, code, numbers, files } = checked(path, await textOf(path));
  return {
    version: dss_version,
    sweep,
    sweeps,
    code: { controlPlane: code.control_plane, worker: code.worker },
    ran: code.ran,
    numbers,
    files: files.map(({ name, size_bytes, sha256 }) => ({ name, sizeBytes: size_bytes, sha256 })),
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const message = isMissing ? `there is no ${path}` : `${path} cannot be read: ${(cause as Error).message}`;
    throw new SweepError('USAGE', message, { hint: HINT, cause });
  }
}

function checked(path: string, text: string): z.infer<typeof ManifestValue> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SweepError('USAGE', `${path} is no JSON: ${(cause as Error).message}`, { hint: HINT, cause });
  }
  const parsed = ManifestValue.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new SweepError('USAGE', `${path} is no manifest of this version's reports: ${place}${issue?.message ?? ''}`, {
    hint: HINT,
  });
}
