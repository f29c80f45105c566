/** The web API: what may be asked, by whom, and what comes back. The server and its OpenAPI document are made from this. */
import { hostname } from 'node:os';
import type { z } from 'zod';
import { SweepError } from '../core/errors.js';
import type { TrialRecord } from '../core/records.js';
import type { Caller, Role } from '../core/roles.js';
import { type PlaneView, SWEEP_ACTIONS, type SweepAction } from '../observe/plane-view.js';
import * as answers from './answers.js';
import { STATES } from './board.js';
import { BoardAnswers } from './board-answer.js';
import { compareTwo } from './compare-cells.js';
import { describeComparison, describeCurves, describeSweep, describeTrial } from './describe.js';
import { eventStream } from './event-stream.js';
import type { LiveBoard, LiveBoards } from './live-board.js';
import { Refusal } from './problem.js';

export interface RouteParts {
  readonly view: PlaneView;
  readonly boards: LiveBoards;
  readonly version: string;
}

export interface RouteCall {
  readonly caller: Caller;
  /** Checked against `PARAMETERS`. */
  readonly value: (name: ParameterName) => string;
  readonly lastEventId: string;
  readonly signal: AbortSignal;
}

export interface Route {
  readonly verb: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly needs: Role;
  readonly query: readonly ParameterName[];
  /** `null`: a stream of events. */
  readonly answer: z.ZodType | null;
  /** It may have megabytes. */
  readonly isLarge?: boolean;
  /** Gives the answer, its JSON in bytes, or a stream. */
  readonly serve: (call: RouteCall) => unknown;
}

const CELL = /^[0-9a-f]{12}$/;

/** Ids are never paths; a value that does not match is refused before anything looks for it. */
export const PARAMETERS = {
  sweep: { pattern: /^[a-z0-9][a-z0-9-]{0,39}$/, says: 'name of a sweep' },
  trial: { pattern: /^[0-9a-f]{20}$/, says: 'id of a trial' },
  first: { pattern: CELL, says: 'key of a cell' },
  second: { pattern: CELL, says: 'key of a cell' },
  state: { pattern: /^[a-z]{1,16}$/, says: `one of ${STATES.join(', ')}` },
  from: { pattern: /^\d{1,9}$/, says: 'place of the first trial among those of the sweep' },
  limit: { pattern: /^\d{1,4}$/, says: 'at most so many, up to 1000' },
  lines: { pattern: /^\d{1,4}$/, says: 'so many of the newest lines, up to 5000' },
} as const;

export type ParameterName = keyof typeof PARAMETERS;

const MAX_TRIALS = 1_000;
const MAX_LINES = 5_000;

export function createRoutes({ view, boards, version }: RouteParts): readonly Route[] {
  const { journal } = view;
  const boardAnswers = new BoardAnswers();
  const mustHaveSweep = (sweep: string) => {
    const record = journal.sweep(sweep);
    if (record === null) throw new SweepError('SWEEP_UNKNOWN', `there is no sweep "${sweep}"`);
    return record;
  };
  const mustHaveTrial = (trialId: string): TrialRecord => {
    const record = journal.trial(trialId);
    if (record === null) throw new SweepError('TRIAL_UNKNOWN', `there is no trial ${trialId}`);
    return record;
  };
  const boardOf = async (sweep: string): Promise<LiveBoard> => {
    const live = await boards.of(sweep);
    if (live === null) throw new SweepError('SWEEP_UNKNOWN', `there is no sweep "${sweep}"`);
    return live;
  };
  const get = (
    path: string,
    summary: string,
    answer: Route['answer'],
    serve: Route['serve'],
    more: { readonly query?: Route['query']; readonly isLarge?: boolean } = {},
  ): Route => ({ verb: 'get', needs: 'read', path, summary, query: [], answer, serve, ...more });
  const act = (action: SweepAction): Route => ({
    verb: 'post',
    path: `/sweeps/{sweep}/${action}`,
    summary: ACTS[action],
    needs: 'submit',
    query: [],
    answer: answers.Acted,
    serve: ({ value }) => ({ action, trials: view.act(mustHaveSweep(value('sweep')).sweep, action) }),
  });
  return [
    get('/info', 'This server, and who asks', answers.Info, ({ caller: { user, role } }) => ({
      version,
      host: hostname(),
      user,
      role,
      lending: view.isLending(),
    })),
    get('/sweeps', 'All sweeps, the newest first', answers.Sweeps, () => ({
      sweeps: journal.sweeps().map(describeSweep),
    })),
    get('/sweeps/{sweep}', 'A sweep', answers.Sweep, ({ value }) => describeSweep(mustHaveSweep(value('sweep')))),
    get(
      '/sweeps/{sweep}/trials',
      'Its trials, in its order',
      answers.Trials,
      async ({ value }) => {
        const { board } = await boardOf(value('sweep'));
        const [from, limit] = [Number(value('from') || 0), Math.min(MAX_TRIALS, Number(value('limit') || MAX_TRIALS))];
        const state = value('state');
        const found: string[] = [];
        let place = from;
        for (; place < board.size && found.length < limit; place += 1) {
          if (state === '' || board.stateAt(place) === state) found.push(board.ids[place] as string);
        }
        const trials = found.map((trialId) => describeTrial(mustHaveTrial(trialId)));
        return { trials, next: place < board.size ? place : null };
      },
      { query: ['state', 'from', 'limit'], isLarge: true },
    ),
    get(
      '/sweeps/{sweep}/board',
      'All of it at a glance',
      answers.BoardAnswer,
      async ({ value }) => boardAnswers.of(await boardOf(value('sweep'))),
      { isLarge: true },
    ),
    get(
      '/sweeps/{sweep}/events',
      'What changes, as server-sent events: `change`, and `reset` when the board is to be read anew',
      null,
      async ({ value, lastEventId, signal }) => eventStream(await boardOf(value('sweep')), lastEventId, signal),
    ),
    get(
      '/sweeps/{sweep}/comparison',
      'Two of its cells, seed by seed',
      answers.Comparison,
      async ({ value }) => {
        const { board } = await boardOf(value('sweep'));
        const recordsOf = (key: string): readonly TrialRecord[] => {
          const cell = board.cells.findIndex((each) => each.key === key);
          if (cell < 0) throw new Refusal(404, 'CELL_UNKNOWN', `the sweep has no cell ${key}`);
          return board.ids.filter((_, place) => board.cellOf[place] === cell).map(mustHaveTrial);
        };
        return describeComparison(compareTwo(journal, recordsOf(value('first')), recordsOf(value('second'))));
      },
      { query: ['first', 'second'] },
    ),
    get('/trials/{trial}', 'A trial', answers.Trial, ({ value }) => describeTrial(mustHaveTrial(value('trial')))),
    get('/trials/{trial}/curves', 'What it has measured so far', answers.Curves, ({ value }) =>
      describeCurves(journal.measurements(mustHaveTrial(value('trial')).trial.trialId)),
    ),
    get(
      '/trials/{trial}/log',
      'The end of its log',
      answers.Log,
      async ({ value, signal }) => {
        const limit = Math.min(MAX_LINES, Number(value('lines') || 500));
        let lines: string[] = [];
        let seen = 0;
        for await (const piece of view.log(mustHaveTrial(value('trial')).trial.trialId, signal)) {
          seen += piece.length;
          lines = [...lines, ...piece].slice(-limit);
        }
        return { lines, left: seen - lines.length };
      },
      { query: ['lines'], isLarge: true },
    ),
    get('/workers', 'Workers, and what they have', answers.Workers, () => ({ workers: view.workers() })),
    ...SWEEP_ACTIONS.map(act),
  ];
}

const ACTS: Readonly<Record<SweepAction, string>> = {
  cancel: 'Cancels what waits or runs of a sweep',
  retry: 'Queues again what has failed',
  pause: 'Lends nothing more of a sweep; what runs goes on',
  resume: 'Goes on with a paused sweep',
};
