/** Trackers whose files are written by their own Python package, in a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type ErrorCode, EXIT_STATUS, SweepError } from '../core/errors.js';
import { cellName, type Point, type TrackedTrial } from './tracked.js';
import type { TrackedCell } from './tracked-cell.js';
import type { Tracker } from './tracker.js';

export interface PythonTrackerOptions {
  readonly kind: 'tensorboard' | 'wandb';
  /** Absolute. */
  readonly directory: string;
  readonly sweep: string;
  readonly python: string;
  /** Where `dss_worker` is. */
  readonly pythonPath: string;
}

type WirePoint = readonly [key: string, step: number, value: number | string, atSeconds: number];

/** What is known of a run that this process has begun. */
interface OpenRun {
  readonly attempt: number;
  readonly sent: Map<string, number>;
}

/** @throws SweepError PACKAGE_MISSING, PYTHON_MISSING */
export async function openPythonTracker(options: PythonTrackerOptions): Promise<Tracker> {
  const { kind, directory } = options;
  const writer = await startWriter(options);
  const settled = new Map(Object.entries(writer.settled));
  const open = new Map<string, OpenRun>();
  const folders = new Map<string, string>();

  async function sendTrial(trial: TrackedTrial): Promise<void> {
    const { trialId, cellId, seed, attempt, settings, startedAtUnixMs, endedAtUnixMs, state, points } = trial;
    // An offline run of W&B is written at once, and not while it runs.
    if (kind === 'wandb' && endedAtUnixMs === null) return;
    const run = `${folderOf(trial)}/seed-${seed}`;
    folders.set(trialId, run);
    const known = open.get(trialId);
    const goesOn = known !== undefined && known.attempt === attempt && continues(known.sent, points);
    const sent = goesOn ? known.sent : new Map<string, number>();
    const begin = {
      group: kind === 'wandb' ? cellName(settings) : cellId,
      name: `seed ${seed}`,
      trial_id: trialId,
      config: configOf(settings, kind === 'wandb' ? [] : ['seed']),
      started: startedAtUnixMs / 1000,
    };
    const fresh = points.filter((point) => !sent.has(idOf(point)));
    await writer.ask({
      run,
      ...(goesOn ? {} : { begin }),
      points: fresh.map(wirePoint),
      ...(endedAtUnixMs === null ? {} : { end: { state, ended: endedAtUnixMs / 1000 } }),
    });
    for (const point of fresh) sent.set(idOf(point), point.value);
    if (endedAtUnixMs === null) open.set(trialId, { attempt, sent });
    else open.delete(trialId);
  }

  /** Mean and mean ± deviation as runs of their own: TensorBoard has no band, and draws the three lines together. */
  async function sendCell(cell: TrackedCell): Promise<void> {
    folders.set(cell.cellId, folderOf(cell));
    if (kind === 'wandb') return; // its groups do that
    const at = (cell.endedAtUnixMs ?? cell.startedAtUnixMs) / 1000;
    for (const [name, sign] of BANDS) {
      await writer.ask({
        run: `${folderOf(cell)}/${name}`,
        begin: { group: cell.cellId, name, trial_id: '', config: {}, started: cell.startedAtUnixMs / 1000 },
        points: cell.curves.map(({ key, step, mean, sd }): WirePoint => [key, step, wireNumber(mean + sign * sd), at]),
        end: { state: 'succeeded', ended: at },
      });
    }
  }

  return {
    place: `${TITLES[kind]} in ${directory}`,
    settled: (id) => settled.get(id) ?? null,
    trial: sendTrial,
    cell: sendCell,
    async settle(id, standing) {
      const run = folders.get(id);
      if (run === undefined) throw new RangeError(`${id} is settled, and nothing of it was sent`);
      await writer.ask({ run, settle: { id, standing } });
      settled.set(id, standing);
    },
    found: () => (kind === 'tensorboard' ? `${directory} (tensorboard --logdir ${directory})` : `${directory}/wandb`),
    close: () => writer.close(),
  };
}

const TITLES = { tensorboard: 'TensorBoard', wandb: 'W&B' } as const;

const BANDS = [
  ['mean', 0],
  ['mean-minus-deviation', -1],
  ['mean-plus-deviation', 1],
] as const;

/** The same in every sweep, and one cell's alone. */
function folderOf({ settings, cellId }: TrackedTrial | TrackedCell): string {
  return `${cellName(settings).replace(/[^\w.=-]+/g, '-')}-${cellId.slice(0, 6)}`;
}

function configOf(settings: object, leftOut: readonly string[]): Readonly<Record<string, string | number>> {
  const entries = Object.entries(settings) as readonly (readonly [string, string | number | null])[];
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (value === null || leftOut.includes(name) ? [] : [[name, value]])),
  );
}

function idOf({ key, step }: Point): string {
  return `${step} ${key}`;
}

function continues(sent: ReadonlyMap<string, number>, points: readonly Point[]): boolean {
  return points.every((point) => {
    const value = sent.get(idOf(point));
    return value === undefined || Object.is(value, point.value);
  });
}

function wirePoint(point: Point): WirePoint {
  return [point.key, point.step, wireNumber(point.value), point.atUnixMs / 1000];
}

function wireNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

interface PythonWriter {
  readonly settled: Readonly<Record<string, string>>;
  /** One after the other, in the order of the calls. */
  ask(request: object): Promise<void>;
  close(): Promise<void>;
}

const STDERR_KEPT = 4_096;

const ANSWER = z.object({
  settled: z.record(z.string(), z.string()).optional(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string() }).optional(),
});

async function startWriter({
  kind,
  directory,
  sweep,
  python,
  pythonPath,
}: PythonTrackerOptions): Promise<PythonWriter> {
  const child = spawn(python, ['-P', '-m', 'dss_worker.tracking', kind, directory, sweep], {
    env: { ...process.env, PYTHONPATH: pythonPath },
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C comes to us alone: it ends when we have written what we are at.
    detached: true,
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-STDERR_KEPT);
  });
  child.stdin.on('error', () => {}); // its end, which is heard below, says why
  const answers = answersOf(child, python);
  const next = async () => {
    const line = await answers.next();
    if (line.done === true) {
      const end = complaint.trim().split('\n').at(-1) ?? '';
      throw new SweepError('INTERNAL', `the writer for ${TITLES[kind]} ended: ${end || 'it said nothing'}`, {
        hint: complaint.trim(),
      });
    }
    const { settled, error } = ANSWER.parse(JSON.parse(line.value));
    if (error === undefined) return settled ?? {};
    const code = Object.hasOwn(EXIT_STATUS, error.code) ? (error.code as ErrorCode) : 'INTERNAL';
    // Which Python, since a person may have several.
    const hint = code === 'PACKAGE_MISSING' ? `${python} -m ${error.hint}` : error.hint;
    throw new SweepError(code, error.message, { hint });
  };
  const settled = await next();
  let last: Promise<unknown> = Promise.resolve();
  return {
    settled,
    ask(request) {
      const answered = last.then(async () => {
        child.stdin.write(`${JSON.stringify(request)}\n`);
        await next();
      });
      last = answered.catch(() => {});
      return answered;
    },
    async close() {
      const ended = new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve(null);
        else child.on('exit', resolve);
      });
      child.stdin.end();
      await ended;
    },
  };
}

async function* answersOf(child: ChildProcessWithoutNullStreams, python: string): AsyncGenerator<string, undefined> {
  const failed = new Promise<never>((_, reject) => {
    child.on('error', (cause) =>
      reject(new SweepError('PYTHON_MISSING', `${python} cannot be started: ${cause.message}`, { cause })),
    );
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout, crlfDelay: Infinity })[Symbol.asyncIterator]();
  for (;;) {
    const line = await Promise.race([lines.next(), failed]);
    if (line.done === true) return undefined;
    yield line.value;
  }
}
