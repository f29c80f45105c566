/** The question that `python -m dss_worker.data.check` answers. Python reads the data, exactly as training does. */
import { z } from 'zod';
import { SweepError } from '../../core/errors.js';
import type { TeacherQuality } from '../../reports/sweep-report.js';
import { askPython } from '../python.js';

const Split = z.enum(['train', 'valid', 'test']);

const Lengths = z.object({ mean: z.number(), p50: z.number(), p99: z.number(), max: z.number() });
/** `unknown`: the share of tokens that stand for what the vocabulary lacks. */
const Tokens = Lengths.extend({ unknown: z.number() });
export type TextTokens = z.infer<typeof Tokens>;

const CheckedDataset = z.object({
  name: z.string(),
  /** `null`: nothing was found. */
  layout: z.enum(['release', 'folder']).nullable(),
  metric: z.enum(['text', 'equation']).nullable(),
  splits: z.array(
    z.object({
      split: Split,
      rows: z.number(),
      distinct_labels: z.number(),
      /** The most frequent first, not all. */
      labels: z.array(z.object({ label: z.string(), rows: z.number() })),
      /** `null`: no model directory was given. */
      tokens: z.object({ input: Tokens.nullable(), label: Tokens.nullable() }).nullable(),
    }),
  ),
  teachers: z.array(
    z.object({
      /** `null`: the dataset's own, whose outputs are fields of the rows. */
      teacher: z.string().nullable(),
      split: Split,
      rows: z.number(),
      label_accuracy: z.number().nullable(),
      rationale_coverage: z.number().nullable(),
      rationale_words: Lengths.nullable(),
      tokens: z.object({ rationale: Tokens.nullable() }).nullable(),
    }),
  ),
  files: z.array(z.object({ path: z.string(), role: z.string(), size_bytes: z.number(), sha256: z.string() })),
  /** Allowed, and seldom meant. */
  notes: z.array(z.object({ message: z.string(), hint: z.string() })),
  problems: z.array(z.object({ code: z.string(), message: z.string(), hint: z.string() })),
  wrong_rows: z.object({ count: z.number(), shown: z.array(z.object({ where: z.string(), message: z.string() })) }),
});
export type CheckedDataset = z.infer<typeof CheckedDataset>;

const DataCheck = z.object({ root: z.string(), datasets: z.array(CheckedDataset) });
export type DataCheck = z.infer<typeof DataCheck>;

export interface DataCheckRequest {
  /** The datasets folder. */
  readonly root: string;
  readonly names: readonly string[];
  /** A model directory, for what its tokenizer makes of the texts. */
  readonly model: string | null;
}

/** What is wrong with a dataset is part of the answer. Throws when there is none. */
export async function requestDataCheck(request: DataCheckRequest): Promise<DataCheck> {
  const parsed = DataCheck.safeParse(await askPython(['dss_worker.data.check'], request));
  if (parsed.success) return parsed.data;
  throw new SweepError('INTERNAL', 'dss_worker.data.check gave an answer of another shape', { cause: parsed.error });
}

/** Whose labels can be compared with gold. */
export function teachersOf({ datasets }: DataCheck): readonly TeacherQuality[] {
  return datasets.flatMap(({ name, teachers }) =>
    teachers.flatMap(({ teacher, split, rows, label_accuracy, rationale_coverage, rationale_words }) =>
      label_accuracy === null
        ? []
        : [
            {
              dataset: name,
              teacher,
              split,
              rows,
              labelAccuracy: label_accuracy,
              rationaleCoverage: rationale_coverage,
              rationaleWords:
                rationale_words === null ? null : { mean: rationale_words.mean, p99: rationale_words.p99 },
            },
          ],
    ),
  );
}
