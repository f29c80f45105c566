/** `summary.json`: the folded report for programs. Accuracies in [0, 1]. */
import type { Sample } from '../core/statistics/sample.js';
import { type Cell, missingSeeds } from './cells.js';
import type { Comparison } from './comparisons.js';
import type { Inference } from './inference.js';
import { measuresValue } from './measures.js';
import type { SweepReport } from './sweep-report.js';
import type { TimeSpent } from './time-spent.js';

export function summaryValue(report: SweepReport): Readonly<Record<string, unknown>> {
  return {
    sweep: report.sweep,
    trials: report.total,
    counts: report.counts,
    cells: report.cells.map(cellValue),
    comparisons: report.comparisons.map(comparisonValue),
    teachers: report.teachers.map(({ dataset, teacher, split, rows, labelAccuracy, rationaleCoverage }) => ({
      dataset,
      teacher,
      split,
      rows,
      label_accuracy: labelAccuracy,
      rationale_coverage: rationaleCoverage,
    })),
    failures: report.failures.map(({ trialId, settings, attempts, code, message, hint }) => ({
      id: trialId,
      settings,
      attempts,
      code,
      message,
      hint,
    })),
    seconds: { trials: report.trialSeconds, span: report.spanSeconds, by_phase: phasesValue(report.timeSpent) },
    mixed_environment: report.mixedEnvironment,
  };
}

/** The method goes by its own name, as the settings have it. */
function comparisonValue({ standard, method, difference, pairs, unpaired, inference }: Comparison): object {
  const name = method.settings.model_type;
  return {
    standard: standard.settings,
    [name]: method.settings,
    standard_test_accuracy: sampleValue(standard.accuracy),
    [`${name}_test_accuracy`]: sampleValue(method.accuracy),
    difference: { ...sampleValue(difference), by_seed: pairs, unpaired_seeds: unpaired },
    ...inferenceValue(inference),
  };
}

function inferenceValue({
  interval,
  bootstrap,
  effectSize,
  significance,
  agreement,
  acrossRows,
  seedsNeeded,
}: Inference): object {
  return {
    interval_95: interval,
    interval_95_bootstrap: bootstrap,
    interval_95_across_rows: acrossRows,
    effect_size: effectSize,
    significance:
      significance.kind === 'tested'
        ? { test: significance.by, p: significance.p, p_holm: significance.adjusted }
        : { test: null, reason: significance.reason },
    agreement:
      agreement === null
        ? null
        : {
            rows: agreement.rows,
            both: agreement.both,
            only_standard: agreement.onlyFirst,
            only_method: agreement.onlySecond,
            neither: agreement.neither,
          },
    seeds_needed_for_one_point: seedsNeeded,
  };
}

function phasesValue({ byPhase }: TimeSpent): Readonly<Record<string, number>> {
  return Object.fromEntries(byPhase.map(({ phase, seconds }) => [phase, seconds]));
}

function cellValue(cell: Cell): Readonly<Record<string, unknown>> {
  return {
    settings: cell.settings,
    test_accuracy: sampleValue(cell.accuracy),
    choice_accuracy: sampleValue(cell.choiceAccuracy),
    seconds: sampleValue(cell.seconds),
    seconds_by_phase: phasesValue(cell.timeSpent),
    seeds: cell.seeds.map(
      ({ seed, trialId, state, testAccuracy, choiceAccuracy, selectedStep, seconds, measures }) => ({
        seed,
        id: trialId,
        state,
        test_accuracy: testAccuracy,
        choice_accuracy: choiceAccuracy,
        selected_step: selectedStep,
        seconds,
        measures: measures === null ? null : measuresValue(measures),
      }),
    ),
    missing_seeds: missingSeeds(cell).map(({ seed }) => seed),
    mixed_environment: cell.mixedEnvironment,
  };
}

function sampleValue({ n, mean, sd }: Sample): Sample {
  return { n, mean, sd };
}
