/**
 * Trials of models and datasets that are not on disk, as far as they are known from their names. What such a trial
 * reads is not known, so that it has no id; what it costs is.
 */
import { KNOWN_DROPOUT, KNOWN_SHAPES } from '../core/cost/known-shapes.js';
import { KNOWN_DATASETS } from '../core/cost/lengths.js';
import { parameterCount } from '../core/cost/shape.js';
import type { SourceFileRole, Trial } from '../core/domain.js';
import { type ResolvedGrid, resolveGrid } from '../core/sweep/resolve-grid.js';
import { RELEASE_TEACHERS } from '../core/sweep/settings.js';
import type { DatasetFacts, ModelFacts, Problem, SourceFacts, TeacherFacts } from '../core/sweep/source-facts.js';
import type { SweepSpec } from '../core/sweep/sweep-spec.js';
import type { Sha256 } from '../core/sweep/trial-id.js';

const FLOAT32 = 4;

export interface ExpectedGrid extends ResolvedGrid {
  /** Names of models and datasets that are stood in for, since they are not there. */
  readonly absent: { readonly models: readonly string[]; readonly datasets: readonly string[] };
  /** Whether it reads none of them, so that its id is the one that it will have. */
  hasId(trial: Trial): boolean;
}

export function expectGrid(spec: SweepSpec, facts: SourceFacts, sha256: Sha256): ExpectedGrid {
  const absentModels = new Set<string>();
  const absentDatasets = new Set<string>();
  const models = new Map([...facts.models].map(([name, model]) => [name, standIn(name, model)]));
  const datasets = new Map([...facts.datasets].map(([name, dataset]) => [name, standInFor(name, dataset)]));
  const grid = resolveGrid(spec, { models, datasets }, sha256);
  return {
    ...grid,
    absent: { models: [...absentModels], datasets: [...absentDatasets] },
    hasId: ({ settings: { model, dataset } }) => !absentModels.has(model) && !absentDatasets.has(dataset),
  };

  function standIn(name: string, model: ModelFacts): ModelFacts {
    const problem = missing(model.problem, 'MODEL_MISSING') ?? missing(model.weightsProblem, 'MODEL_MISSING');
    if (problem === null || !KNOWN_SHAPES.has(name)) return model;
    absentModels.add(name);
    const file = fileOf(`model ${name}`, 'config');
    return {
      source: { directory: '', files: [file] },
      weights: [],
      dropout: KNOWN_DROPOUT,
      problem: null,
      weightsProblem: null,
    };
  }

  function standInFor(name: string, dataset: DatasetFacts): DatasetFacts {
    const problem = missing(dataset.problem, 'DATASET_MISSING');
    const known = KNOWN_DATASETS.get(name);
    if (problem === null || known === undefined) return dataset;
    absentDatasets.add(name);
    const teachers = RELEASE_TEACHERS.map((teacher): [string, TeacherFacts] => [
      teacher,
      {
        files: [fileOf(`${teacher} of ${name}`, 'teacher')],
        rows: known.trainRows,
        rationales: null,
        labels: null,
      },
    ]);
    return {
      source: {
        directory: '',
        layout: 'release',
        files: [fileOf(`dataset ${name}`, 'train')],
        metric: 'text',
        fields: {},
        templates: {},
        choices: [],
      },
      trainRows: known.trainRows,
      problem: null,
      declaredTeachers: [],
      teachers: Object.fromEntries(teachers),
    };
  }

  function fileOf(path: string, role: SourceFileRole) {
    return { path, role, sha256: sha256(path), sizeBytes: 0 };
  }
}

/** Bytes of weights to be fetched for such trials, by model; they are stored in float32. */
export function expectedDownloads(trials: Iterable<Trial>): ReadonlyMap<string, number> {
  const downloads = new Map<string, number>();
  for (const { settings, model } of trials) {
    const shape =
      model.directory === '' && settings.init === 'pretrained' ? KNOWN_SHAPES.get(settings.model) : undefined;
    if (shape !== undefined) downloads.set(settings.model, FLOAT32 * parameterCount(shape));
  }
  return downloads;
}

function missing(problem: Problem | null, code: Problem['code']): Problem | null {
  return problem?.code === code ? problem : null;
}
