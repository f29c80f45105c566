/**
 * A sweep as an MLflow experiment: a run per cell, and below it a run per seed.
 *
 * MLflow only adds: what was logged cannot be taken back, and the same again stands there twice in some of its stores. So
 * each run's points are remembered, and where it is in doubt whether they arrived, the server is asked. A trial that was
 * run again and measured otherwise gets a new run; the former stays, marked `dss.current` = false.
 */
import type { Point, TrackedTrial } from '../tracked.js';
import type { TrackedCell } from '../tracked-cell.js';
import type { Tracker } from '../tracker.js';
import { experimentOf } from './experiment.js';
import {
  type NewRun,
  newChild,
  newParent,
  PARAM_CHARACTERS,
  type Tags,
  tagList,
  tagName,
  userName,
} from './new-run.js';
import { findRuns, historyOf } from './read-back.js';
import { MlflowRefusal, type MlflowRest } from './rest.js';
import type { SentPoints, SentRun, SentStore } from './sent-store.js';

export interface MlflowOptions {
  readonly rest: MlflowRest;
  readonly store: SentStore;
  /** As it may be shown. */
  readonly url: string;
  readonly sweep: string;
  readonly experiment: string;
  readonly now: () => number;
}

interface LiveRun {
  readonly runId: string;
  readonly points: SentPoints;
}

/** Of one batch, by MLflow's rules: a thousand things, no more than a hundred of them parameters and a hundred tags. */
const BATCH_METRICS = 800;
const BATCH_OTHERS = 100;

const STATUS = {
  queued: 'SCHEDULED',
  running: 'RUNNING',
  succeeded: 'FINISHED',
  failed: 'FAILED',
  cancelled: 'KILLED',
} as const;

/** @throws SweepError as `MlflowRest` does */
export async function mlflowTracker({ rest, store, url, sweep, experiment, now }: MlflowOptions): Promise<Tracker> {
  const { experimentId, isNew } = await experimentOf(rest, experiment, sweep);
  const isOwn = store.open(experimentId, isNew);
  /** Of the server; `null`: not asked yet. */
  let there: ReadonlyMap<string, string> | null = null;
  const tagsSent = new Map<string, string>();

  async function liveRun(id: string, made: () => NewRun): Promise<LiveRun> {
    const known = store.run(id);
    if (known !== null && known.runId !== null)
      return { runId: known.runId, points: await trusted(id, known, known.runId) };
    if (known !== null || !isOwn) {
      there ??= await findRuns(rest, experimentId, sweep);
      const runId = there.get(id);
      if (runId !== undefined) {
        // Whoever made it may have come no further.
        await logParams(runId, made());
        return { runId, points: await trusted(id, null, runId) };
      }
    }
    return createRun(id, made());
  }

  async function trusted(id: string, known: SentRun | null, runId: string): Promise<SentPoints> {
    if (known !== null && !known.inDoubt) return known.points;
    const points = await historyOf(rest, runId);
    store.put(id, { runId, points, inDoubt: false, settled: null });
    return points;
  }

  const logParams = (runId: string, { params }: NewRun) =>
    rest.post('runs/log-batch', { run_id: runId, params: tagList(params, PARAM_CHARACTERS) });

  async function createRun(id: string, made: NewRun): Promise<LiveRun> {
    const { name, startedAtUnixMs, tags } = made;
    const points: SentPoints = new Map();
    store.put(id, { runId: null, points, inDoubt: false, settled: null });
    const { run } = (await asked(
      rest.post('runs/create', {
        experiment_id: experimentId,
        run_name: name,
        start_time: startedAtUnixMs,
        user_id: userName(),
        tags: tagList({
          'mlflow.runName': name,
          'mlflow.user': userName(),
          'mlflow.source.name': 'dss',
          'mlflow.source.type': 'LOCAL',
          'dss.sweep': sweep,
          'dss.key': id,
          'dss.current': 'true',
          ...tags,
        }),
      }),
    )) as { run: { info: { run_id: string } } };
    const runId = run.info.run_id;
    store.put(id, { runId, points, inDoubt: false, settled: null });
    await logParams(runId, made);
    return { runId, points };
  }

  /** Of a run whose creation nobody heard the end of, the server is asked next time. */
  async function asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (reason) {
      there = null;
      throw reason;
    }
  }

  /** What of it is new. */
  async function log(id: string, { runId, points }: LiveRun, wanted: readonly Point[], tags: Tags): Promise<void> {
    const fresh = wanted.filter(({ key, step, value }) => !isSame(points.get(key)?.get(step), value));
    const text = JSON.stringify(tags);
    const newTags = tagsSent.get(id) === text ? [] : tagList(tags).slice(0, BATCH_OTHERS);
    for (let first = 0; first < fresh.length || (first === 0 && newTags.length > 0); first += BATCH_METRICS) {
      const batch = fresh.slice(first, first + BATCH_METRICS);
      store.put(id, { runId, points, inDoubt: batch.length > 0, settled: null });
      await rest.post('runs/log-batch', {
        run_id: runId,
        metrics: batch.map(({ key, step, value, atUnixMs }) => ({
          key,
          step,
          value: wireNumber(value),
          timestamp: atUnixMs,
        })),
        ...(first === 0 ? { tags: newTags } : {}),
      });
      for (const { key, step, value } of batch) {
        const values = points.get(key) ?? new Map<number, number>();
        points.set(key, values.set(step, value));
      }
      store.put(id, { runId, points, inDoubt: false, settled: null });
    }
    tagsSent.set(id, text);
  }

  const end = (runId: string, status: string, endedAtUnixMs: number | null) =>
    rest.post('runs/update', { run_id: runId, status, ...(endedAtUnixMs === null ? {} : { end_time: endedAtUnixMs }) });

  /** Its numbers are of another training than those that come now. */
  async function putAside(id: string, { runId }: LiveRun): Promise<void> {
    await rest.post('runs/log-batch', {
      run_id: runId,
      tags: tagList({ 'dss.current': 'false', 'dss.key': `${id} replaced` }),
    });
    store.forget(id);
    tagsSent.delete(id);
  }

  async function sendTrial(trial: TrackedTrial): Promise<void> {
    const { trialId, cellId, state, endedAtUnixMs, points } = trial;
    const parent = await liveRun(cellId, () => newParent(trial));
    const made = () => newChild(trial, parent.runId);
    let run = await liveRun(trialId, made);
    if (points.some(({ key, step, value }) => contradicts(run.points.get(key)?.get(step), value))) {
      await putAside(trialId, run);
      // Not by way of what is there: of this id nothing is any more.
      run = await createRun(trialId, made());
    }
    await log(trialId, run, points, {
      'dss.state': state,
      'dss.attempt': String(trial.attempt),
      ...(trial.failure === null ? {} : { 'dss.failure': trial.failure }),
      ...Object.fromEntries(
        Object.entries(trial.environment).map(([name, value]) => [`dss.environment.${tagName(name)}`, value]),
      ),
    });
    if (endedAtUnixMs !== null) await end(run.runId, STATUS[state], endedAtUnixMs);
    else if (tagsSent.get(`${trialId} runs`) !== String(trial.attempt)) await end(run.runId, STATUS[state], null);
    tagsSent.set(`${trialId} runs`, String(trial.attempt));
  }

  async function sendCell(cell: TrackedCell): Promise<void> {
    const { cellId, summary, seeds, states, notPooled, endedAtUnixMs } = cell;
    const run = await liveRun(cellId, () => newParent(cell));
    // By the number of seeds, so that MLflow draws how the mean settles, and shows the latest.
    const points = Object.entries(summary).map(([key, value]) => ({
      key,
      step: seeds,
      value,
      atUnixMs: endedAtUnixMs ?? now(),
    }));
    const counts = Object.entries(states).map(([state, trials]) => [`dss.trials.${state}`, String(trials)] as const);
    const tags = [...counts, ...(notPooled === '' ? [] : [['dss.not_pooled', notPooled] as const])];
    await log(cellId, run, points, Object.fromEntries(tags));
    const status = states.failed > 0 ? 'FAILED' : states.cancelled > 0 ? 'KILLED' : 'FINISHED';
    await end(run.runId, endedAtUnixMs === null ? 'RUNNING' : status, endedAtUnixMs);
  }

  /** Once more where a person has removed what was sent. */
  async function again(ids: readonly string[], send: () => Promise<void>): Promise<void> {
    try {
      await send();
    } catch (reason) {
      if (!(reason instanceof MlflowRefusal) || reason.reason !== 'RESOURCE_DOES_NOT_EXIST') throw reason;
      for (const id of ids) {
        store.forget(id);
        tagsSent.delete(id);
      }
      there = null;
      await send();
    }
  }

  const place = `MLflow at ${url}`;
  return {
    place,
    settled: (id) => store.run(id)?.settled ?? null,
    trial: (trial) => again([trial.trialId, trial.cellId], () => sendTrial(trial)),
    cell: (cell) => again([cell.cellId], () => sendCell(cell)),
    settle: async (id, standing) => store.settle(id, standing),
    found: () => `experiment "${experiment}" at ${url}/#/experiments/${experimentId}`,
    close: async () => {
      rest.close();
      store.close();
    },
  };
}

/** As its JSON has numbers that JSON has no word for. */
function wireNumber(value: number): number | string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return value;
  return value > 0 ? 'Infinity' : '-Infinity';
}

function isSame(sent: number | undefined, value: number): boolean {
  if (sent === undefined) return false;
  // Infinities come back as something else, so that whatever stands at such a place is taken for it.
  return sent === value || !Number.isFinite(value);
}

function contradicts(sent: number | undefined, value: number): boolean {
  return sent !== undefined && !isSame(sent, value);
}
