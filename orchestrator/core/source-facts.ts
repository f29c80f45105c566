/** What is known about models and datasets on disk, as plain values: planning decides from these. */
import type { DatasetSource, ModelSource, SourceFile, Teacher } from './domain.js';
import type { ErrorCode } from './errors.js';

/** Why something cannot be trained on or with. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

export interface ModelFacts {
  /** Config and tokenizer. */
  readonly source: ModelSource;
  readonly weights: readonly SourceFile[];
  /** `dropout_rate` of the config. */
  readonly dropout: number;
  /** Of whatever any trial reads. */
  readonly problem: Problem | null;
  /** Of the weights alone: `init: random` reads none. */
  readonly weightsProblem: Problem | null;
}

/** What one teacher wrote about the training split. */
export interface TeacherFacts {
  /** Empty in layout `folder`, whose rows hold the teacher's outputs as fields. */
  readonly files: readonly SourceFile[];
  readonly rows: number;
  readonly rationales: Problem | null;
  readonly labels: Problem | null;
}

export interface DatasetFacts {
  /** `files` are those of the splits. */
  readonly source: DatasetSource;
  readonly trainRows: number;
  /** Of the splits: whatever any trial reads. */
  readonly problem: Problem | null;
  /** `own`: the fields of layout `folder`. A teacher that no cell asks for may be absent. */
  readonly teachers: Readonly<Partial<Record<Teacher | 'own', TeacherFacts>>>;
}

export interface SourceFacts {
  readonly models: ReadonlyMap<string, ModelFacts>;
  readonly datasets: ReadonlyMap<string, DatasetFacts>;
}
