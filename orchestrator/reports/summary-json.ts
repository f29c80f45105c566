/** `summary.json`: the folded report for programs. Accuracies in [0, 1]. */
import type { Sample } from '../core/statistics/sample.js';
import { type Cell, missingSeeds } from './cells.js';
import type { SweepReport } from './sweep-report.js';

export function summaryValue(report: SweepReport): Readonly<Record<string, unknown>> {
  return {
    sweep: report.sweep,
    trials: report.total,
    counts: report.counts,
    cells: report.cells.map(cellValue),
    comparisons: report.comparisons.map(({ standard, stepByStep, difference, pairs, unpaired }) => ({
      standard: standard.settings,
      task_prefix: stepByStep.settings,
      standard_test_accuracy: sampleValue(standard.accuracy),
      task_prefix_test_accuracy: sampleValue(stepByStep.accuracy),
      difference: { ...sampleValue(difference), by_seed: pairs, unpaired_seeds: unpaired },
    })),
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
    seconds: { trials: report.trialSeconds, span: report.spanSeconds },
    mixed_environment: report.mixedEnvironment,
  };
}

function cellValue(cell: Cell): Readonly<Record<string, unknown>> {
  return {
    settings: cell.settings,
    test_accuracy: sampleValue(cell.accuracy),
    seconds: sampleValue(cell.seconds),
    seeds: cell.seeds.map(({ seed, trialId, state, testAccuracy, selectedStep, seconds }) => ({
      seed,
      id: trialId,
      state,
      test_accuracy: testAccuracy,
      selected_step: selectedStep,
      seconds,
    })),
    missing_seeds: missingSeeds(cell).map(({ seed }) => seed),
  };
}

function sampleValue({ n, mean, sd }: Sample): Sample {
  return { n, mean, sd };
}
