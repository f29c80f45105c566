/** dataset.yaml: how the rows of a user's own dataset read. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Metric } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import { pathText, SpecError } from '../core/sweep/spec-error.js';
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

const Teacher = z
  .strictObject({ rationale: text, llm_label: text }, mapping('rationale, llm_label'))
  .refine((fields) => Object.values(fields).some((field) => field !== undefined), 'expected rationale or llm_label');
/** `none` is the word for no teacher. */
const TEACHER_NAME = /^(?!none$)[A-Za-z0-9][\w.-]{0,63}$/;

const Description = z
  .strictObject(
    {
      metric: z.enum(['text', 'equation'], { error: 'expected text or equation' }).optional(),
      fields: z
        .strictObject(
          { input: text, label: text, rationale: text, llm_label: text, choices: text },
          mapping('names of fields'),
        )
        .nullish(),
      templates: z
        .strictObject({ input: template, predict: text, explain: text }, mapping('input, predict, explain'))
        .nullish(),
      teachers: z.record(z.string(), Teacher, 'expected a mapping of names to rationale, llm_label').optional(),
      choices: z
        .array(
          z.string('expected a text; write numbers, and words such as true, in quotes'),
          'expected a list of texts',
        )
        .refine((choices) => choices.length > 1 && new Set(choices).size === choices.length, {
          error: 'expected at least two different texts',
        })
        .optional(),
    },
    mapping('metric, fields, templates, teachers, choices'),
  )
  .superRefine(({ fields, teachers, choices }, { addIssue }) => {
    const say = (path: readonly string[], message: string) => addIssue({ code: 'custom', path: [...path], message });
    if (choices !== undefined && fields?.choices !== undefined) {
      say(['fields', 'choices'], 'expected either this or choices, got both');
    }
    if (teachers === undefined) return;
    const names = Object.keys(teachers);
    if (names.length === 0) say(['teachers'], 'expected at least one teacher');
    for (const name of names) {
      if (!TEACHER_NAME.test(name))
        say(['teachers', name], 'expected a name of letters, digits and ._-, other than none');
    }
    for (const field of ['rationale', 'llm_label'] as const) {
      if (fields?.[field] === undefined) continue;
      say(['fields', field], 'expected this within one of the teachers, since there are some');
    }
  });

/** Which of the row's fields hold a teacher's outputs. */
export type TeacherFields = Readonly<Partial<Record<'rationale' | 'llm_label', string>>>;

export interface DatasetDescription {
  readonly metric: Metric;
  readonly fields: FolderFields;
  readonly templates: Readonly<Record<string, string>>;
  /** The answers that every row allows; empty: none are named, or each row names its own. */
  readonly choices: readonly string[];
  /** By name; `null`: the one teacher of a dataset that names none. */
  readonly teachers: ReadonlyMap<string | null, TeacherFields>;
}

/** Under these names unless dataset.yaml says otherwise. */
const FIELDS: FolderFields = { input: 'input', label: 'label' };
const NAMELESS: TeacherFields = { rationale: 'rationale', llm_label: 'llm_label' };
/** The release's. */
const TEMPLATES = { predict: 'predict: ', explain: 'explain: ' };

export const PLAIN_DESCRIPTION: DatasetDescription = {
  metric: 'text',
  fields: FIELDS,
  templates: TEMPLATES,
  choices: [],
  teachers: new Map([[null, NAMELESS]]),
};

/**
 * @param path relative to the datasets root
 * @throws SweepError DATASET_INVALID, naming each place
 */
export async function readDescription(root: string, path: string): Promise<DatasetDescription> {
  const { value, locate } = await readYaml(join(root, path)).catch((reason: unknown) => {
    throw asInvalid(path, reason);
  });
  const parsed = Description.safeParse(value);
  if (parsed.success) return described(parsed.data);
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

function described({ metric, fields, templates, teachers, choices }: z.infer<typeof Description>): DatasetDescription {
  const { rationale, llm_label, ...others } = fields ?? {};
  return {
    metric: metric ?? 'text',
    fields: given(FIELDS, others),
    templates: given(TEMPLATES, templates),
    choices: choices ?? [],
    teachers:
      teachers === undefined
        ? new Map([[null, given(NAMELESS, { rationale, llm_label })]])
        : new Map(Object.entries(teachers).map(([name, own]) => [name, given<TeacherFields>({}, own)])),
  };
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
    hint: 'datasets/README.md says what dataset.yaml may hold',
  });
}
