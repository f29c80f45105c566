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
export async function mlflowTracker(options: MlflowOptions): Promise<Tracker> {
  const { rest, store, sweep, experiment } = options;
  const { experimentId, isNew } = await experimentOf(rest, experiment, sweep);
  return new MlflowTracker(options, experimentId, store.open(experimentId, isNew));
}

/** Lives from when its experiment is there until `close`, and with it the connection and the store that it was given. */
class MlflowTracker implements Tracker {
  readonly place: string;
  readonly #options: MlflowOptions;
  readonly #rest: MlflowRest;
  readonly #store: SentStore;
  readonly #experimentId: string;
  /** Nobody but this state folder can have sent anything there. */
  readonly #isOwn: boolean;
  /** Runs of the server, by key; `null`: not asked yet, or in doubt. */
  #there: ReadonlyMap<string, string> | null = null;
  readonly #tagsSent = new Map<string, string>();

  constructor(options: MlflowOptions, experimentId: string, isOwn: boolean) {
    this.place = `MLflow at ${options.url}`;
    this.#options = options;
    this.#rest = options.rest;
    this.#store = options.store;
    this.#experimentId = experimentId;
    this.#isOwn = isOwn;
  }

  settled(id: string): string | null {
    return this.#store.run(id)?.settled ?? null;
  }

  trial(trial: TrackedTrial): Promise<void> {
    return this.#again([trial.trialId, trial.cellId], () => this.#sendTrial(trial));
  }

  cell(cell: TrackedCell): Promise<void> {
    return this.#again([cell.cellId], () => this.#sendCell(cell));
  }

  async settle(id: string, standing: string): Promise<void> {
    this.#store.settle(id, standing);
  }

  found(): string {
    const { experiment, url } = this.#options;
    return `experiment "${experiment}" at ${url}/#/experiments/${this.#experimentId}`;
  }

  async close(): Promise<void> {
    this.#rest.close();
    this.#store.close();
  }

  async #liveRun(id: string, made: () => NewRun): Promise<LiveRun> {
    const known = this.#store.run(id);
    if (known !== null && known.runId !== null)
      return { runId: known.runId, points: await this.#trusted(id, known, known.runId) };
    if (known !== null || !this.#isOwn) {
      this.#there ??= await findRuns(this.#rest, this.#experimentId, this.#options.sweep);
      const runId = this.#there.get(id);
      if (runId !== undefined) {
        // Whoever made it may have come no further.
        await this.#logParams(runId, made());
        return { runId, points: await this.#trusted(id, null, runId) };
      }
    }
    return this.#createRun(id, made());
  }

  async #trusted(id: string, known: SentRun | null, runId: string): Promise<SentPoints> {
    if (known !== null && !known.inDoubt) return known.points;
    const points = await historyOf(this.#rest, runId);
    this.#store.put(id, { runId, points, inDoubt: false, settled: null });
    return points;
  }

  async #logParams(runId: string, { params }: NewRun): Promise<void> {
    await this.#rest.post('runs/log-batch', { run_id: runId, params: tagList(params, PARAM_CHARACTERS) });
  }

  async #createRun(id: string, made: NewRun): Promise<LiveRun> {
    const { name, startedAtUnixMs, tags } = made;
    const points: SentPoints = new Map();
    this.#store.put(id, { runId: null, points, inDoubt: false, settled: null });
    const { run } = (await this.#asked(
      this.#rest.post('runs/create', {
        experiment_id: this.#experimentId,
        run_name: name,
        start_time: startedAtUnixMs,
        user_id: userName(),
        tags: tagList({
          'mlflow.runName': name,
          'mlflow.user': userName(),
          'mlflow.source.name': 'dss',
          'mlflow.source.type': 'LOCAL',
          'dss.sweep': this.#options.sweep,
          'dss.key': id,
          'dss.current': 'true',
          ...tags,
        }),
      }),
    )) as { run: { info: { run_id: string } } };
    const runId = run.info.run_id;
    this.#store.put(id, { runId, points, inDoubt: false, settled: null });
    await this.#logParams(runId, made);
    return { runId, points };
  }

  /** Of a run whose creation nobody heard the end of, the server is asked next time. */
  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (reason) {
      this.#there = null;
      throw reason;
    }
  }

  /** What of it is new. */
  async #log(id: string, { runId, points }: LiveRun, wanted: readonly Point[], tags: Tags): Promise<void> {
    const fresh = wanted.filter(({ key, step, value }) => !isSame(points.get(key)?.get(step), value));
    const text = JSON.stringify(tags);
    const newTags = this.#tagsSent.get(id) === text ? [] : tagList(tags).slice(0, BATCH_OTHERS);
    for (let first = 0; first < fresh.length || (first === 0 && newTags.length > 0); first += BATCH_METRICS) {
      const batch = fresh.slice(first, first + BATCH_METRICS);
      this.#store.put(id, { runId, points, inDoubt: batch.length > 0, settled: null });
      await this.#rest.post('runs/log-batch', {
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
      this.#store.put(id, { runId, points, inDoubt: false, settled: null });
    }
    this.#tagsSent.set(id, text);
  }

  async #end(runId: string, status: string, endedAtUnixMs: number | null): Promise<void> {
    const ended = endedAtUnixMs === null ? {} : { end_time: endedAtUnixMs };
    await this.#rest.post('runs/update', { run_id: runId, status, ...ended });
  }

  /** Its numbers are of another training than those that come now. */
  async #putAside(id: string, { runId }: LiveRun): Promise<void> {
    await this.#rest.post('runs/log-batch', {
      run_id: runId,
      tags: tagList({ 'dss.current': 'false', 'dss.key': `${id} replaced` }),
    });
    this.#store.forget(id);
    this.#tagsSent.delete(id);
  }

  async #sendTrial(trial: TrackedTrial): Promise<void> {
    const { trialId, cellId, state, endedAtUnixMs, points } = trial;
    const parent = await this.#liveRun(cellId, () => newParent(trial));
    const made = () => newChild(trial, parent.runId);
    let run = await this.#liveRun(trialId, made);
    if (points.some(({ key, step, value }) => contradicts(run.points.get(key)?.get(step), value))) {
      await this.#putAside(trialId, run);
      // Not by way of what is there: of this id nothing is any more.
      run = await this.#createRun(trialId, made());
    }
    await this.#log(trialId, run, points, {
      'dss.state': state,
      'dss.attempt': String(trial.attempt),
      ...(trial.failure === null ? {} : { 'dss.failure': trial.failure }),
      ...Object.fromEntries(
        Object.entries(trial.environment).map(([name, value]) => [`dss.environment.${tagName(name)}`, value]),
      ),
    });
    if (endedAtUnixMs !== null) await this.#end(run.runId, STATUS[state], endedAtUnixMs);
    else if (this.#tagsSent.get(`${trialId} runs`) !== String(trial.attempt))
      await this.#end(run.runId, STATUS[state], null);
    this.#tagsSent.set(`${trialId} runs`, String(trial.attempt));
  }

  async #sendCell(cell: TrackedCell): Promise<void> {
    const { cellId, summary, seeds, states, notPooled, endedAtUnixMs } = cell;
    const run = await this.#liveRun(cellId, () => newParent(cell));
    // By the number of seeds, so that MLflow draws how the mean settles, and shows the latest.
    const points = Object.entries(summary).map(([key, value]) => ({
      key,
      step: seeds,
      value,
      atUnixMs: endedAtUnixMs ?? this.#options.now(),
    }));
    const counts = Object.entries(states).map(([state, trials]) => [`dss.trials.${state}`, String(trials)] as const);
    const tags = [...counts, ...(notPooled === '' ? [] : [['dss.not_pooled', notPooled] as const])];
    await this.#log(cellId, run, points, Object.fromEntries(tags));
    const status = states.failed > 0 ? 'FAILED' : states.cancelled > 0 ? 'KILLED' : 'FINISHED';
    await this.#end(run.runId, endedAtUnixMs === null ? 'RUNNING' : status, endedAtUnixMs);
  }

  /** Once more where a person has removed what was sent. */
  async #again(ids: readonly string[], send: () => Promise<void>): Promise<void> {
    try {
      await send();
    } catch (reason) {
      if (!(reason instanceof MlflowRefusal) || reason.reason !== 'RESOURCE_DOES_NOT_EXIST') throw reason;
      for (const id of ids) {
        this.#store.forget(id);
        this.#tagsSent.delete(id);
      }
      this.#there = null;
      await send();
    }
  }
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
