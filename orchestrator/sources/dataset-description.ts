/** dataset.yaml: how the rows of a user's own dataset read. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Metric } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import { pathText, SpecError } from '../core/spec-error.js';
import { readYaml } from './read-yaml.js';
import type { FolderFields } from './row-formats.js';

const text = z.string('expected a text').optional();
const mapping = (keys: string) => ({
  error: ({ code }: { readonly code?: string }) =>
    code === 'unrecognized_keys' ? undefined : `expected a mapping with ${keys}`,
});
/** One without a placeholder would give every row the same input. */
const template = z
  .string('expected a text')
  .regex(/\{[^{}]+\}/, 'expected a text with the name of a field in braces, as {question}')
  .optional();
const Description = z.strictObject(
  {
    metric: z.enum(['text', 'equation'], { error: 'expected text or equation' }).optional(),
    fields: z
      .strictObject({ input: text, label: text, rationale: text, llm_label: text }, mapping('names of fields'))
      .nullish(),
    templates: z
      .strictObject({ input: template, predict: text, explain: text }, mapping('input, predict, explain'))
      .nullish(),
  },
  mapping('metric, fields, templates'),
);

export interface DatasetDescription {
  readonly metric: Metric;
  readonly fields: FolderFields;
  readonly templates: Readonly<Record<string, string>>;
}

/** Under these names unless dataset.yaml says otherwise. */
const FIELDS: FolderFields = { input: 'input', label: 'label', rationale: 'rationale', llm_label: 'llm_label' };
/** The release's. */
const TEMPLATES = { predict: 'predict: ', explain: 'explain: ' };

export const PLAIN_DESCRIPTION: DatasetDescription = { metric: 'text', fields: FIELDS, templates: TEMPLATES };

/**
 * @param path relative to the datasets root
 * @throws SweepError DATASET_INVALID, naming each place
 */
export async function readDescription(root: string, path: string): Promise<DatasetDescription> {
  const { value, locate } = await readYaml(join(root, path)).catch((reason: unknown) => {
    throw asInvalid(path, reason);
  });
  const parsed = Description.safeParse(value);
  if (parsed.success) {
    const { metric, fields, templates } = parsed.data;
    return { metric: metric ?? 'text', fields: given(FIELDS, fields), templates: given(TEMPLATES, templates) };
  }
  const mistakes = parsed.error.issues.flatMap(({ path: inside, message, ...issue }) => {
    const at = inside.map((part) => (typeof part === 'number' ? part : String(part)));
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
    if (keys.length === 0) return [{ at, message, place: locate(at, 'value') }];
    return keys.map((key) => ({ at: [...at, key], message: 'unknown key', place: locate([...at, key], 'key') }));
  });
  throw invalid(
    mistakes.map(
      ({ at, message, place }) =>
        `${path}:${place.line}:${place.column}: ${at.length === 0 ? '' : `${pathText(at)}: `}${message}`,
    ),
  );
}

function given<T extends object>(
  defaults: T,
  chosen: { readonly [name: string]: string | undefined } | null | undefined,
): T {
  return { ...defaults, ...Object.fromEntries(Object.entries(chosen ?? {}).filter(([, each]) => each !== undefined)) };
}

function asInvalid(path: string, reason: unknown): SweepError {
  if (!(reason instanceof SpecError)) return invalid([`${path}: ${SweepError.from(reason).message}`]);
  return invalid(reason.issues.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`));
}

function invalid(mistakes: readonly string[]): SweepError {
  return new SweepError('DATASET_INVALID', mistakes.join('; '), {
    hint: 'dataset.yaml may have metric, fields {input, label, rationale, llm_label}, templates {input, predict, explain}',
  });
}
