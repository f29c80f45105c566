/** Cells and what is on disk → distinct trials, and what became of every other cell. */

import type { DatasetSource, ModelSource, Trial, TrialSettings } from '../domain.js';
import { canonicalise, hasNamelessTeacher } from './canonicalise.js';
import { type AppliedRule, type Cell, expandGrid } from './grid.js';
import { readsTeacher } from './reads-teacher.js';
import { findProblems, teacherFor } from './rejection.js';
import { mergeRunOptions, runOptionsOf } from './run-options.js';
import { axisOf, type CellSettings, SETTING_NAMES, type SettingName } from './settings.js';
import type { DatasetFacts, ModelFacts, Problem, SourceFacts } from './source-facts.js';
import type { SpecIssue } from './spec-error.js';
import type { SweepSpec } from './sweep-spec.js';
import { createTrialIds, type Sha256 } from './trial-id.js';
import { whereSaid } from './where-said.js';

/** What tells a cell from the others of its grid: its values on the grid's axes. */
export type CellName = Readonly<Partial<CellSettings>>;

export interface MergedCell {
  readonly settings: CellName;
  /** The trial of an earlier cell, which this one would repeat. */
  readonly trialId: string;
  readonly rules: readonly string[];
}

/** Why a cell cannot run, and the value in the sweep file that this is about. */
export interface PlacedProblem extends Problem {
  readonly path: SpecIssue['path'];
}

/** With the first reason; `further` has the others. */
export interface RejectedCell extends PlacedProblem {
  readonly settings: CellName;
  readonly further: readonly PlacedProblem[];
}

export interface ResolvedGrid {
  /** Cells, the excluded ones left out. */
  readonly requested: number;
  readonly trials: readonly Trial[];
  readonly merged: readonly MergedCell[];
  readonly rejected: readonly RejectedCell[];
}

interface Winner {
  /** Its trial's place. */
  readonly at: number;
  readonly asked: CellSettings;
  readonly applied: readonly AppliedRule[];
}

/** @param facts about every model and dataset that a cell names */
export function resolveGrid(spec: SweepSpec, facts: SourceFacts, sha256: Sha256): ResolvedGrid {
  const trialIdOf = createTrialIds(sha256);
  const sources = new SharedSources();
  const winners = new Map<string, Winner>();
  const trials: Trial[] = [];
  const merged: MergedCell[] = [];
  const rejected: RejectedCell[] = [];
  let requested = 0;
  for (const cell of expandGrid(spec)) {
    requested += 1;
    const model = known(facts.models, cell.settings.model);
    const dataset = known(facts.datasets, cell.settings.dataset);
    const [problem, ...further] = findProblems(cell.settings, model, dataset).map(
      ({ setting, ...each }): PlacedProblem => ({ ...each, path: whereSaid(spec, cell, setting) }),
    );
    if (problem !== undefined) {
      rejected.push({ settings: nameOf(cell.asked, spec), ...problem, further });
      continue;
    }
    const { settings, applied } = canonicalise(cell, model, dataset);
    const read = { model: sources.ofModel(model, settings), dataset: sources.ofDataset(dataset, cell.settings) };
    const trialId = trialIdOf(settings, read.model, read.dataset);
    const winner = winners.get(trialId);
    const run = runOptionsOf(cell.settings);
    if (winner === undefined) {
      winners.set(trialId, { at: trials.length, asked: cell.asked, applied });
      trials.push({ trialId, settings, ...read, run });
    } else {
      const trial = trials[winner.at] as Trial;
      trials[winner.at] = { ...trial, run: mergeRunOptions(trial.run, run) };
      merged.push({ settings: nameOf(cell.asked, spec), trialId, rules: mergeRules(cell, applied, winner) });
    }
  }
  return { requested, trials, merged, rejected };
}

/** Of each setting in which two cells differ though they train the same: why it made no difference. */
function mergeRules({ asked }: Cell, applied: readonly AppliedRule[], winner: Winner): readonly string[] {
  const differing = SETTING_NAMES.filter((name) => asked[name] !== winner.asked[name]);
  return differing.flatMap((name) => {
    if (name === 'model' || name === 'dataset') {
      return [`${axisOf(name)} ${winner.asked[name]} and ${asked[name]} have the same content`];
    }
    const own = rulesFor(name, applied);
    return own.length > 0 ? own : rulesFor(name, winner.applied);
  });
}

function rulesFor(name: SettingName, applied: readonly AppliedRule[]): readonly string[] {
  return [...new Set(applied.filter(({ setting }) => setting === name).map(({ rule }) => rule))];
}

function nameOf(asked: CellSettings, { varied }: SweepSpec): CellName {
  return Object.fromEntries(varied.map((name) => [name, asked[name]]));
}

function known<T>(facts: ReadonlyMap<string, T>, name: string): T {
  const found = facts.get(name);
  if (found === undefined) throw new Error(`nothing is known of ${name}`);
  return found;
}

/** Equal sources are one value, so that a million trials share a handful. */
class SharedSources {
  readonly #models = new Map<ModelFacts, Map<string, ModelSource>>();
  readonly #datasets = new Map<DatasetFacts, Map<string, DatasetSource>>();

  ofModel(facts: ModelFacts, { init }: TrialSettings): ModelSource {
    return shared(this.#models, facts, init, () =>
      init === 'random' ? facts.source : { ...facts.source, files: [...facts.source.files, ...facts.weights] },
    );
  }

  ofDataset(facts: DatasetFacts, cell: CellSettings): DatasetSource {
    const teacher = readsTeacher(cell) ? teacherFor(cell, facts) : undefined;
    if (teacher === undefined || hasNamelessTeacher(facts)) return facts.source;
    return shared(this.#datasets, facts, cell.llm, () => ({
      ...facts.source,
      files: [...facts.source.files, ...teacher.files],
      fields: { ...facts.source.fields, ...teacher.fields },
    }));
  }
}

function shared<K, T>(kept: Map<K, Map<string, T>>, facts: K, part: string, make: () => T): T {
  const parts = kept.get(facts) ?? new Map<string, T>();
  kept.set(facts, parts);
  const value = parts.get(part) ?? make();
  parts.set(part, value);
  return value;
}
