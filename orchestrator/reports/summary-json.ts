/** `summary.json`: the folded report for programs, each row with an id by which it is addressed. Accuracies in [0, 1]. */
import type { Sample } from '../core/statistics/sample.js';
import type { CellIntervals } from './cell-intervals.js';
import { type Cell, missingSeeds } from './cells.js';
import { accuracyInPairs, type Comparison } from './comparisons.js';
import type { Inference } from './inference.js';
import { macroAverages } from './macro-average.js';
import { measuresValue } from './measures.js';
import type { PlannedCell } from './planned.js';
import type { PublishedVerdict } from './published.js';
import { comparisonId, publishedId, teacherId } from './row-ids.js';
import type { SweepReport, TeacherQuality } from './sweep-report.js';
import type { TimeSpent } from './time-spent.js';

export function summaryValue(report: SweepReport): Readonly<Record<string, unknown>> {
  return {
    sweep: report.sweep,
    sweeps: report.sweeps,
    trials: report.total,
    counts: report.counts,
    cells: report.cells.map((cell) => cellValue(cell, report.intervals.get(cell.key))),
    over_datasets: macroAverages(report.cells).map(({ id, settings, datasets, accuracy, interval }) => ({
      id,
      settings,
      datasets,
      test_accuracy: sampleValue(accuracy),
      interval_95: interval,
    })),
    comparisons: report.comparisons.map(comparisonValue),
    declared: report.declared,
    teachers: report.teachers.map(teacherValue),
    teachers_left_out: report.teachersLeftOut,
    published: report.published.map(publishedValue),
    parameters: report.parameters,
    planned: report.cells.flatMap((cell) => {
      const planned = report.planned.get(cell.key);
      return planned === undefined ? [] : [plannedValue(cell, planned)];
    }),
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

function comparisonValue(comparison: Comparison): object {
  const { setting, baseline, candidate, difference, pairs, pairedBy, unpaired, isDeclared, inference } = comparison;
  return {
    id: comparisonId(comparison),
    compared: setting,
    declared: isDeclared,
    paired_by: pairedBy,
    baseline: baseline.settings,
    candidate: candidate.settings,
    baseline_test_accuracy: sampleValue(accuracyInPairs(baseline, pairs)),
    candidate_test_accuracy: sampleValue(accuracyInPairs(candidate, pairs)),
    difference: { ...sampleValue(difference), by_seed: pairs, unpaired_seeds: unpaired },
    ...inferenceValue(inference),
  };
}

export function inferenceValue({
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
            only_baseline: agreement.onlyFirst,
            only_candidate: agreement.onlySecond,
            neither: agreement.neither,
          },
    seeds_needed_for_one_point: seedsNeeded,
  };
}

function publishedValue(published: PublishedVerdict): object {
  const { cell, number, verdict } = published;
  const { accuracy, error, runs, isVerified, source } = number;
  return {
    id: publishedId(published),
    settings: cell.settings,
    test_accuracy: sampleValue(cell.accuracy),
    published: { accuracy, error, runs, verified: isVerified, source },
    verdict: verdict.kind,
    ...(verdict.kind === 'not comparable' ? { reasons: verdict.reasons } : { interval_95: verdict.interval }),
  };
}

function teacherValue(teacher: TeacherQuality): object {
  const { labelAccuracy, rationaleCoverage, rationaleWords } = teacher;
  return {
    id: teacherId(teacher),
    dataset: teacher.dataset,
    teacher: teacher.teacher,
    split: teacher.split,
    rows: teacher.rows,
    label_accuracy: labelAccuracy,
    rationale_coverage: rationaleCoverage,
    rationale_words: rationaleWords,
  };
}

/** Medians over a cell's trials. */
function plannedValue({ id, settings }: Cell, planned: PlannedCell): object {
  return {
    id,
    settings,
    trials: planned.trials,
    seconds: { planned: planned.plannedSeconds, seen: planned.seenSeconds, ratio: planned.time },
    memory_bytes: { planned: planned.plannedBytes, seen: planned.seenBytes, ratio: planned.memory },
  };
}

function phasesValue({ byPhase }: TimeSpent): Readonly<Record<string, number>> {
  return Object.fromEntries(byPhase.map(({ phase, seconds }) => [phase, seconds]));
}

/** A cell in a few numbers. */
export function cellSummary({ settings, accuracy }: Cell): object {
  return { settings, test_accuracy: sampleValue(accuracy) };
}

function cellValue(cell: Cell, intervals: CellIntervals | undefined): Readonly<Record<string, unknown>> {
  return {
    id: cell.id,
    settings: cell.settings,
    environment: cell.environment,
    test_accuracy: sampleValue(cell.accuracy),
    interval_95: intervals?.byT ?? null,
    bootstrap_interval_95: intervals?.byBootstrap ?? null,
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
  };
}

function sampleValue({ n, mean, sd }: Sample): Sample {
  return { n, mean, sd };
}
