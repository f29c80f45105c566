/** Reads and plans sweep files; what `dss plan` prints. */
import type { DeviceChoice } from '../../core/cost/device-kinds.js';
import type { Trial } from '../../core/domain.js';
import type { NearHit } from '../../core/environment.js';
import { EXIT_STATUS, SweepError } from '../../core/errors.js';
import type { ResolvedGrid } from '../../core/sweep/resolve-grid.js';
import type { SweepSpec } from '../../core/sweep/sweep-spec.js';
import { type ExpectedGrid, expectGrid } from '../../plan/absent-sources.js';
import { type CostPlan, planCost } from '../../plan/cost-plan.js';
import { type Plan, sha256 } from '../../plan/plan-sweep.js';
import { type PoolPlan, planPools } from '../../plan/pool-plan.js';
import { readSweepFile, type SweepFile } from '../../sources/read-sweep-file.js';
import { askCacheOnly, remembering } from '../data/ask-hub.js';
import { resolveHome } from '../environment.js';
import { note, noteError, print, printJson } from '../output.js';
import { measuredBefore } from '../readers/measured-before.js';
import { type SweepReader, withReader } from '../readers/sweep-reader.js';
import { findServer, type WhereFlags } from '../server/find-server.js';
import { withoutStoreLineAt, withoutStoreLineOf } from '../server/store-warning.js';
import { devicesThatAreThere, namedDevices } from './chosen-devices.js';
import { costLines, costValue } from './cost-text.js';
import { hubAsker } from './hub-asker.js';
import { nearHitCounts, nearHitLines, nearHitsAhead } from './near-hits.js';
import { notKeptLine } from './not-kept.js';
import { askAhead, planSpec } from './plan-spec.js';
import { standingOf } from './plan-standing.js';
import { explainLines, planValue, type Standing, summaryLine } from './plan-text.js';
import { poolLines, poolsValue } from './pool-text.js';
import { nothingLeft, tellRejections } from './rejections.js';

export interface PlanFlags extends WhereFlags {
  readonly datasets?: string | undefined;
  /** By names, commas between them. */
  readonly device?: string | undefined;
  /** Of an hour of one device. */
  readonly price?: number | undefined;
  /** A few steps are trained here. */
  readonly probe?: boolean | undefined;
  readonly json: boolean;
  readonly explain: boolean;
  readonly skipRejected: boolean;
}

/** One file's, with models and datasets stood in for that are not there. */
interface PlannedFile {
  readonly plan: Plan;
  readonly standing: Standing;
  /** Of those that are done. */
  readonly nearHits: readonly NearHit[];
  /** Of those that are to run; `null`: its place has none. */
  readonly pools: PoolPlan | null;
  readonly absent: ExpectedGrid['absent'];
  /** Of trials that read what is not there, ids that are not theirs. */
  readonly withoutId: ReadonlySet<string>;
  readonly file: Pick<SweepFile, 'placeOf' | 'notices'>;
}

export async function planFiles(files: readonly string[], flags: PlanFlags): Promise<number> {
  if (flags.price !== undefined && !(flags.price >= 0)) {
    throw new SweepError('USAGE', `--price: expected a price from 0 for an hour of one device, got ${flags.price}`);
  }
  const named = flags.device === undefined ? null : await namedDevices(flags.device, flags.price);
  const ask = named === null ? hubAsker() : remembering(askCacheOnly);
  const home = resolveHome(flags.home);
  const server = await findServer(flags);
  const { planned, cost } = await withReader(flags, async (reader) => {
    const each: PlannedFile[] = [];
    const read: SweepFile[] = [];
    for (const file of files) read.push(await readSweepFile(file));
    await askAhead(read, flags, ask);
    for (const { spec, directory, ...text } of read) {
      const plan = await planSpec(spec, directory, flags, undefined, ask);
      each.push({ ...(await plannedFile(spec, plan, { reader, standsIn: named !== null })), file: text });
    }
    const choices = named ?? (await devicesThatAreThere(server === null ? null : await reader.workers(), flags.price));
    return { planned: each, cost: await costOf(each, choices, reader, flags.probe === true) };
  });
  const say = flags.json ? note : print;
  for (const { plan, standing, nearHits, pools, withoutId, file } of planned) {
    for (const line of file.notices) note(line);
    say(`${plan.sweep}: ${summaryLine(plan, standing)}`);
    if (flags.explain) for (const line of explainLines(plan)) say(line);
    for (const line of poolLines(pools)) say(line);
    tellRejections(plan.rejected, { placeOf: file.placeOf, isMistake: !flags.skipRejected });
    const notKept = server === null && withoutId.size === 0 ? notKeptLine(plan, standing, home) : null;
    if (notKept !== null) note(notKept);
    for (const line of nearHitLines(nearHits)) note(line);
  }
  for (const line of absentLines(planned)) note(line);
  const withoutStore = await (server === null ? withoutStoreLineAt(home) : withoutStoreLineOf(server));
  if (withoutStore !== null) note(withoutStore);
  if (!flags.json) for (const line of costLines(cost)) print(line);
  else printJson(documentOf(planned, cost));
  const isHere = named === null && server === null && flags.probe !== true;
  if (isHere && cost.sums.some(({ sum }) => sum.unknown > 0))
    note('--probe trains 20 steps of each kind of trial here, and then knows the time');
  const empty = planned.flatMap(({ plan }) => nothingLeft(plan) ?? []);
  for (const text of empty) noteError(text, '');
  const isRejected = planned.some(({ plan }) => plan.rejected.length > 0);
  return empty.length > 0 || (isRejected && !flags.skipRejected) ? EXIT_STATUS.CELLS_REJECTED : 0;
}

async function plannedFile(
  spec: SweepSpec,
  plan: Plan,
  { reader, standsIn }: { readonly reader: SweepReader; readonly standsIn: boolean },
): Promise<Omit<PlannedFile, 'file'>> {
  const expected = standsIn ? expectGrid(spec, plan.facts, sha256) : null;
  const grid: ResolvedGrid = expected ?? plan;
  const whole = {
    ...plan,
    requested: grid.requested,
    trials: grid.trials,
    merged: grid.merged,
    rejected: grid.rejected,
  };
  const standing = await standingOf(reader, whole, { retryFailed: false });
  return {
    plan: whole,
    standing,
    nearHits: await nearHitsAhead(reader, whole, standing),
    pools: await planPools(
      whole.trials.filter(({ trialId }) => !standing.states.has(trialId)),
      whole.options.place,
    ),
    absent: expected?.absent ?? { models: [], datasets: [] },
    withoutId: new Set(grid.trials.filter((trial) => expected?.hasId(trial) === false).map(({ trialId }) => trialId)),
  };
}

/** Each name once for all files. */
function absentLines(planned: readonly PlannedFile[]): readonly string[] {
  const named = (what: 'models' | 'datasets') => [...new Set(planned.flatMap(({ absent }) => absent[what]))];
  const all = [...named('models'), ...named('datasets')];
  return all.length === 0
    ? []
    : [`not here, so that their trials have no ids yet, and planned by what is known of them: ${all.join(', ')}`];
}

/** Of all trials that are to run, each once, whichever files ask for it. */
async function costOf(
  planned: readonly PlannedFile[],
  choices: readonly DeviceChoice[],
  reader: SweepReader,
  isProbed: boolean,
): Promise<CostPlan> {
  const toRun = new Map<string, Trial>();
  const trainRows = new Map<string, number>();
  for (const { plan, standing } of planned) {
    for (const trial of plan.trials) if (!standing.states.has(trial.trialId)) toRun.set(trial.trialId, trial);
    for (const [name, { trainRows: rows }] of plan.facts.datasets) if (rows > 0) trainRows.set(name, rows);
  }
  const measured = await measuredBefore(reader);
  if (!isProbed) return planCost(toRun.values(), { choices, trainRows, measured });
  const withoutFiles = new Set(planned.flatMap(({ withoutId }) => [...withoutId]));
  const { probeTrials } = await import('./probe.js');
  const probes = await probeTrials(toRun.values(), ({ trialId }) => !withoutFiles.has(trialId));
  for (const line of probes.lines) note(line);
  return planCost(toRun.values(), { choices, trainRows, measured: [...measured, ...probes.measured] });
}

/** Of one file as it has always been, with what it costs; of several, a list of them. */
function documentOf(planned: readonly PlannedFile[], cost: CostPlan): Readonly<Record<string, unknown>> {
  const values = planned.map(({ plan, standing, nearHits, pools, withoutId, absent }) => ({
    ...planValue(plan, standing, withoutId),
    absent,
    near_hits: nearHitCounts(nearHits),
    ...poolsValue(pools),
  }));
  const [only] = values;
  return planned.length === 1
    ? { ...only, cost: costValue(cost) }
    : { sweeps: values.map((value, i) => ({ sweep: planned[i]?.plan.sweep, ...value })), cost: costValue(cost) };
}
