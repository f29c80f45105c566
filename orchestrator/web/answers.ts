/** What the web API answers, as schemas: the OpenAPI document is made of them, and tests hold real answers against them. */
import { z } from 'zod';
import { ROLES } from '../core/roles.js';
import { STATES } from './board.js';

const State = z.enum(STATES as [string, ...string[]]);
const Counts = z.record(State, z.int().nonnegative());
const Settings = z.record(z.string(), z.unknown());
const unixMs = z.number().describe('milliseconds since 1970, UTC');
const accuracy = z.number().min(0).max(1).describe('on the test split');

export const Problem = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) });

export const Info = z.object({
  version: z.string(),
  host: z.string(),
  user: z.string().describe('empty: nobody in particular'),
  role: z.enum(ROLES),
  lending: z.boolean().describe('false: it drains or has stopped'),
});

export const Sweep = z.object({
  sweep: z.string(),
  submittedAtUnixMs: unixMs,
  total: z.int(),
  counts: Counts,
  state: z.enum(['active', 'paused', 'cancelled']),
  reason: z.string().describe('why it is paused'),
  owner: z.string(),
});
export const Sweeps = z.object({ sweeps: z.array(Sweep) });

const Failure = z.object({
  code: z.string(),
  kind: z.string(),
  message: z.string(),
  hint: z.string(),
  detail: z.string(),
});

export const Trial = z.object({
  trialId: z.string(),
  state: State,
  attempts: z.int(),
  settings: Settings,
  accuracy: accuracy.nullable(),
  seconds: z.number().nullable(),
  selectedStep: z.int().nullable(),
  failure: Failure.nullable().describe('of the last attempt, also while another one waits'),
  environment: z.record(z.string(), z.string()),
  queuedAtUnixMs: unixMs,
  startedAtUnixMs: unixMs.nullable(),
  endedAtUnixMs: unixMs.nullable(),
});
export const Trials = z.object({ trials: z.array(Trial), next: z.int().nullable().describe('`from` of what follows') });

export const Curves = z.object({
  training: z.array(z.object({ step: z.int(), loss: z.number().nullable() })),
  evaluations: z.array(
    z.object({
      step: z.int(),
      split: z.enum(['valid', 'test']),
      loss: z.number().nullable(),
      accuracy: z.number().nullable(),
      rows: z.int(),
    }),
  ),
});

export const Log = z.object({ lines: z.array(z.string()), left: z.int().describe('older lines that are left out') });

const DeviceLoad = z.object({
  utilization: z.number().min(0).max(1).nullable().describe('share of its time, by whomever; null: unknown'),
  memoryUsedBytes: z.int(),
  memoryTotalBytes: z.int().describe('0: unknown'),
});

const Worker = z.object({
  workerId: z.string(),
  host: z.string(),
  devices: z.array(z.string()),
  slots: z.int(),
  lent: z.int().describe('attempts that it runs or holds ready'),
  state: z.enum(['idle', 'busy', 'gone', 'draining', 'drained']),
  reason: z.string(),
  load: z
    .object({
      devices: z.array(DeviceLoad).describe('in the order of `devices`'),
      warm: z.int().describe('training processes that are up, their libraries loaded'),
    })
    .nullable()
    .describe('as it said a moment ago; null: it has not'),
  running: z
    .array(
      z.object({
        trialId: z.string(),
        step: z.int().describe('0: its worker has not said'),
        maxSteps: z.int(),
        loss: z.number().nullable(),
        examplesPerSecond: z.number().nullable(),
        phase: z.string().describe('empty: its worker has not said'),
      }),
    )
    .describe('in the order in which it began them'),
});
export const Workers = z.object({ workers: z.array(Worker) });

const Sample = z.object({ n: z.int(), mean: z.number().nullable(), sd: z.number().nullable() });
const Interval = z.object({ low: z.number(), high: z.number() });
const Compared = z.object({
  accuracy: Sample,
  interval: Interval.nullable().describe('95 %, for the mean over seeds, by t'),
  seeds: z.array(z.object({ seed: z.int(), accuracy })),
});
export const Comparison = z.object({
  first: Compared,
  second: Compared,
  difference: Sample.describe('second minus first, over the seeds that both have'),
  pairs: z.array(z.object({ seed: z.int(), difference: z.number() })),
  interval: Interval.nullable().describe('95 %, for the mean difference'),
  test: z.object({ name: z.string(), p: z.number() }).nullable(),
  untested: z.string().describe('why there is no test; else empty'),
});

const Cell = z.object({
  key: z.string(),
  group: z.string(),
  row: z.string(),
  method: z.string(),
  size: z.string(),
  settings: Settings.describe('those that are not in `common`'),
});
const Cause = z.object({ code: z.string(), message: z.string(), hint: z.string() });

export const BoardAnswer = z
  .object({
    epoch: z.string(),
    eventId: z.string().describe('where its event stream goes on: `Last-Event-ID`'),
    sweep: Sweep,
    states: z.array(State),
    common: Settings.describe('settings that all cells share'),
    cells: z.array(Cell),
    causes: z.array(Cause),
    environments: z
      .array(z.string())
      .describe(
        'what results ran on, in words that tell each from the others; none make one mean with those of another',
      ),
    trials: z.object({
      ids: z.string().describe('20 characters for each trial'),
      cell: z.array(z.int()),
      seed: z.array(z.int()),
      state: z.string().describe('a digit for each trial: its place in `states`'),
      accuracy: z.array(z.number().nullable()).describe('to a millionth'),
      attempts: z.array(z.int()),
      cause: z.array(z.int()).describe('place in `causes`; -1: none'),
      seconds: z.array(z.number().nullable()).describe('to a thousandth'),
      environment: z.array(z.int()).describe('of a result, its place in `environments`; -1: there is none'),
    }),
  })
  .describe('A sweep in columns, for a page that shows all of its trials');

export const Acted = z.object({ action: z.string(), trials: z.int().describe('queued again or cancelled') });
