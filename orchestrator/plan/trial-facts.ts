/** What is known of a trial's sizes before it runs: its model's shape, and its dataset's lengths and rows. */
import type { SplitRows } from '../core/cost/flops.js';
import { KNOWN_SHAPES } from '../core/cost/known-shapes.js';
import { KNOWN_DATASETS, type KnownDataset } from '../core/cost/lengths.js';
import type { TrialFacts } from '../core/cost/memory.js';
import type { T5Shape } from '../core/cost/shape.js';
import type { DatasetSource, SourceFileRole, Trial } from '../core/domain.js';
import { readShape } from '../sources/model-shape.js';
import { sampleLengths } from '../sources/sample-lengths.js';

export interface SizedTrial extends TrialFacts {
  readonly rows: SplitRows;
}

/** Looks at each model and dataset once. */
export class TrialSizes {
  readonly #shapes = new Map<string, T5Shape | null>();
  readonly #datasets = new Map<DatasetSource, KnownDataset | null>();

  /**
   * `null`: of its model the config, or of its dataset the lengths are not known.
   *
   * @param trainRows of the whole training split, where they were counted
   */
  async of(trial: Trial, trainRows?: number): Promise<SizedTrial | null> {
    const { settings, run } = trial;
    const shape = await this.shapeOf(trial);
    const dataset = await this.#datasetOf(trial);
    if (shape === null || dataset === null) return null;
    const { lengths } = dataset;
    return { shape, settings, run, lengths, rows: rowsOf(trainRows ?? dataset.trainRows, dataset, settings.subsample) };
  }

  /** `null`: its config does not say it, or is not here. */
  async shapeOf({ settings: { model }, model: { directory } }: Trial): Promise<T5Shape | null> {
    if (directory === '') return KNOWN_SHAPES.get(model) ?? null;
    const known = this.#shapes.get(directory);
    if (known !== undefined) return known;
    const shape = await readShape(directory);
    this.#shapes.set(directory, shape);
    return shape;
  }

  async #datasetOf({ settings, dataset }: Trial): Promise<KnownDataset | null> {
    if (dataset.layout === 'release') return KNOWN_DATASETS.get(settings.dataset) ?? null;
    const known = this.#datasets.get(dataset);
    if (known !== undefined) return known;
    const sampled = await knownBySample(dataset);
    this.#datasets.set(dataset, sampled);
    return sampled;
  }
}

async function knownBySample(source: DatasetSource): Promise<KnownDataset | null> {
  const sample = await sampleLengths(source);
  if (sample === null) return null;
  const rowsIn = (role: SourceFileRole) => {
    const bytes = source.files.reduce((sum, file) => sum + (file.role === role ? file.sizeBytes : 0), 0);
    return Math.round(bytes / sample.bytesPerRow);
  };
  const valid = rowsIn('valid');
  return {
    lengths: sample.lengths,
    trainRows: rowsIn('train'),
    validRows: valid === 0 ? null : valid,
    testRows: rowsIn('test'),
  };
}

function rowsOf(all: number, { validRows, testRows }: KnownDataset, subsample: number): SplitRows {
  const kept = all - Math.ceil((1 - subsample) * all);
  if (validRows !== null) return { train: kept, valid: validRows, test: testRows };
  const valid = Math.ceil(0.1 * kept);
  return { train: kept - valid, valid, test: testRows };
}
