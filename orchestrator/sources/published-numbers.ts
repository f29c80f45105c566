/** Numbers that others have published, from the YAML files of a folder. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { PublishedNumber } from '../core/published-number.js';
import { SETTING_NAMES } from '../core/sweep/settings.js';
import { pathText, SpecError } from '../core/sweep/spec-error.js';
import { readYaml } from './read-yaml.js';

const text = z.string().min(1);
const share = z.number().min(0).max(100);

/** A misspelt one would make every trial not comparable, for a reason that nobody finds. */
const settings = z.record(z.string(), z.union([z.string(), z.number()])).superRefine((values, context) => {
  for (const name of Object.keys(values)) {
    if (name === 'batch' || SETTING_NAMES.some((known) => known === name)) continue;
    context.addIssue({ code: 'custom', path: [name], message: `expected batch or a setting of a trial, got ${name}` });
  }
});

const File = z.strictObject({
  source: z.strictObject({
    cite: text,
    url: z.url(),
    place: text,
    read: text,
    verified: z.boolean(),
    error: z.number().nonnegative(),
    runs: z.int().positive().nullable(),
    settings,
    note: text.optional(),
  }),
  numbers: z.array(
    z.strictObject({
      dataset: text,
      split: z.enum(['train', 'valid', 'test']),
      model: text,
      method: z.enum(['standard', 'task_prefix', 'single_task']),
      teacher: text.optional(),
      value: share,
      // Where one number differs from the rest of its source.
      place: text.optional(),
      verified: z.boolean().optional(),
      error: z.number().nonnegative().optional(),
      runs: z.int().positive().optional(),
    }),
  ),
});

/**
 * In the order of the files' names; none where there is no such folder.
 *
 * @throws SpecError with every mistake of a file
 */
export async function readPublished(folder: string): Promise<readonly PublishedNumber[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.yaml')).sort();
  const files = await Promise.all(names.map((name) => numbersOf(join(folder, name))));
  return files.flat();
}

async function numbersOf(path: string): Promise<readonly PublishedNumber[]> {
  const { value, locate } = await readYaml(path);
  const parsed = File.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path: at, message }) => {
      const place = at.map((part) => (typeof part === 'number' ? part : String(part)));
      return { file: path, ...locate(place, 'value'), path: pathText(place), message, hint: '' };
    });
    throw new SpecError(path, issues);
  }
  const { source, numbers } = parsed.data;
  return numbers.map((number) => ({
    dataset: number.dataset,
    split: number.split,
    model: number.model,
    method: number.method,
    teacher: number.teacher ?? null,
    accuracy: number.value / 100,
    error: (number.error ?? source.error) / 100,
    runs: number.runs ?? source.runs,
    isVerified: number.verified ?? source.verified,
    settings: source.settings,
    source: {
      cite: source.cite,
      url: source.url,
      place: number.place ?? source.place,
      read: source.read,
      note: source.note ?? '',
    },
  }));
}
