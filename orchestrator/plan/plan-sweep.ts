/** Spec and disk → plan: what would run, and why each other cell would not. Nothing starts. */
import { createHash } from 'node:crypto';
import type { Teacher } from '../core/domain.js';
import { expandGrid } from '../core/sweep/grid.js';
import { withPools } from '../core/sweep/places/with-pools.js';
import { readsTeacher } from '../core/sweep/reads-teacher.js';
import { type ResolvedGrid, resolveGrid } from '../core/sweep/resolve-grid.js';
import type { Reuse } from '../core/sweep/run-section.js';
import type { DatasetFacts, ModelFacts, SourceFacts } from '../core/sweep/source-facts.js';
import type { SweepOptions } from '../core/sweep/sweep-options.js';
import type { SweepSpec } from '../core/sweep/sweep-spec.js';
import { RowChecks } from '../sources/check-rows.js';
import { readDataset } from '../sources/dataset-source.js';
import { FileHashes } from '../sources/file-hashes.js';
import { type AskHub, type HubModels, type MissingWeights, readHubModels } from '../sources/hub-models.js';
import { importedModel } from '../sources/imported-models.js';
import { missingModel, placeOfModel, readModel } from '../sources/model-source.js';
import type { SourceContext } from '../sources/source-context.js';

export interface Plan extends ResolvedGrid {
  readonly sweep: string;
  readonly options: SweepOptions;
  readonly reuse: Reuse;
  /** Weights of hub models that must be fetched before the trials run. */
  readonly missingWeights: readonly MissingWeights[];
  /** What was found on disk. */
  readonly facts: SourceFacts;
}

export interface PlanOptions {
  /** Where relative model paths start. */
  readonly specDirectory: string;
  readonly datasetsRoot: string;
  /** State folder, for what is remembered about files, and models that were imported. */
  readonly home: string;
  readonly askHub: AskHub;
  readonly signal?: AbortSignal | undefined;
}

/** What the cells of a grid read: asked of the disk once, before any cell is looked at. */
interface Needs {
  /** Whether some cell reads the weights. */
  readonly models: ReadonlyMap<string, boolean>;
  readonly datasets: ReadonlyMap<string, ReadonlySet<Teacher>>;
}

/** @throws SweepError GRID_TOO_LARGE; what is wrong with a model or a dataset rejects its cells instead */
export async function planSweep(spec: SweepSpec, options: PlanOptions): Promise<Plan> {
  const needs = needsOf(spec);
  const [hashes, checks] = [await FileHashes.open(options.home), await RowChecks.open(options.home)];
  const context = { hashes, checks, signal: options.signal };
  try {
    const datasets = new Map<string, DatasetFacts>();
    for (const [name, teachers] of needs.datasets) {
      datasets.set(name, await readDataset(options.datasetsRoot, name, teachers, context));
    }
    const { models, missing } = await readModels(needs.models, options, context);
    const { options: asked, reuse } = spec.run;
    const sweepOptions = { ...asked, place: withPools(asked.place, sha256) };
    const facts = { models, datasets };
    const resolved = resolveGrid(spec, facts, sha256);
    return { sweep: spec.sweep, options: sweepOptions, reuse, ...resolved, missingWeights: missing, facts };
  } finally {
    // Also of an interrupted plan: what is hashed is hashed.
    await Promise.all([hashes.save(), checks.save()]);
  }
}

/**
 * Of the hub, by name, with whether some cell reads the weights: what `planSweep` would ask for, so that several sweeps
 * can ask at once.
 */
export function hubModelsOf(
  spec: SweepSpec,
  { specDirectory, home }: Pick<PlanOptions, 'specDirectory' | 'home'>,
): ReadonlyMap<string, boolean> {
  const isAsked = (name: string) =>
    placeOfModel(name, specDirectory).kind === 'hub' && importedModel(home, name) === null;
  return new Map([...needsOf(spec).models].filter(([name]) => isAsked(name)));
}

function needsOf(spec: SweepSpec): Needs {
  const models = new Map<string, boolean>();
  const datasets = new Map<string, Set<Teacher>>();
  for (const { settings } of expandGrid(spec)) {
    models.set(settings.model, models.get(settings.model) === true || settings.init === 'pretrained');
    const teachers = datasets.get(settings.dataset) ?? new Set();
    datasets.set(settings.dataset, teachers);
    if (settings.llm !== 'none' && readsTeacher(settings)) teachers.add(settings.llm);
  }
  return { models, datasets };
}

async function readModels(
  needed: Needs['models'],
  { specDirectory, home, askHub }: PlanOptions,
  context: SourceContext,
): Promise<HubModels> {
  const models = new Map<string, ModelFacts>();
  const hub = new Map<string, boolean>();
  for (const [name, readsWeights] of needed) {
    const place = placeOfModel(name, specDirectory);
    const imported = place.kind === 'hub' ? importedModel(home, name) : null;
    if (imported !== null) models.set(name, await readModel(imported, context));
    else if (place.kind === 'hub') hub.set(name, readsWeights);
    else if (place.kind === 'none') models.set(name, missingModel(name, place.directory));
    else models.set(name, await readModel(place.directory, context));
  }
  const { models: hubModels, missing } = await readHubModels(hub, { askHub, specDirectory }, context);
  return { models: new Map([...models, ...hubModels]), missing };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
