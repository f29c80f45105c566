/** Trials of a whole grid, as many as a test wants, without files. */
import type { Trial } from '../../orchestrator/core/domain.js';
import { trialOf } from './trials.js';

export interface GridAxes {
  readonly models: readonly string[];
  readonly datasets?: readonly string[];
  readonly methods?: readonly Trial['settings']['model_type'][];
  readonly sizes: readonly number[];
  readonly seeds: number;
}

export function gridTrials({
  models,
  datasets = ['cqa'],
  methods = ['standard', 'task_prefix'],
  sizes,
  seeds,
}: GridAxes): readonly Trial[] {
  const trials: Trial[] = [];
  for (const dataset of datasets)
    for (const model of models)
      for (const model_type of methods)
        for (const subsample of sizes)
          for (let seed = 0; seed < seeds; seed += 1)
            trials.push(
              trialOf(trials.length + 1, {
                model,
                dataset,
                model_type,
                subsample,
                seed,
                alpha: model_type === 'task_prefix' ? 0.5 : null,
                llm: model_type === 'standard' ? null : 'palm',
              }),
            );
  return trials;
}

/** 100,000 trials: 200 rows, 50 columns, ten seeds. */
export function largeGrid(): readonly Trial[] {
  return gridTrials({
    models: Array.from({ length: 50 }, (_, place) => `org/model-${place}`),
    datasets: ['data-0', 'data-1', 'data-2', 'data-3'],
    methods: ['standard', 'task_prefix'],
    sizes: Array.from({ length: 25 }, (_, place) => (place + 1) / 25),
    seeds: 10,
  });
}
