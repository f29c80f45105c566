/** What is known about models and datasets on disk, as plain values: planning decides from these. */
import type { DatasetSource, ModelSource, SourceFile, Teacher } from '../domain.js';
import type { ErrorCode } from '../errors.js';

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
  /** Layout `folder` with named teachers: which of the row's fields hold this one's outputs, by what they are. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly rows: number;
  readonly rationales: Problem | null;
  readonly labels: Problem | null;
}

export interface TeachersByName {
  readonly palm?: TeacherFacts;
  readonly gpt?: TeacherFacts;
  readonly own?: TeacherFacts;
  readonly [name: Teacher]: TeacherFacts | undefined;
}

export interface DatasetFacts {
  /** `files` are those of the splits. */
  readonly source: DatasetSource;
  readonly trainRows: number;
  /** Of the splits: whatever any trial reads. */
  readonly problem: Problem | null;
  /** In layout `folder`, the names that dataset.yaml gives to teachers; empty: the rows hold one without a name. */
  readonly declaredTeachers: readonly string[];
  /** By name; `own`: the one without a name. In layout `release` a teacher that no cell asks for may be absent. */
  readonly teachers: TeachersByName;
}

export interface SourceFacts {
  readonly models: ReadonlyMap<string, ModelFacts>;
  readonly datasets: ReadonlyMap<string, DatasetFacts>;
}
