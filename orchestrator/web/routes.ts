/** The web API: what may be asked, by whom, and what comes back. The server and its OpenAPI document are made from this. */
import { hostname } from 'node:os';
import { SweepError } from '../core/errors.js';
import type { SweepRecord, TrialRecord } from '../core/records.js';
import type { JournalReader } from '../journal/journal.js';
import { type PlaneView, SWEEP_ACTIONS, type SweepAction } from '../observe/plane-view.js';
import * as answers from './answers.js';
import { BoardAnswers } from './board-answer.js';
import { compareTwo } from './compare-cells.js';
import { describeComparison, describeCurves, describeSweep, describeTrial } from './describe.js';
import { eventStream } from './event-stream.js';
import type { LiveBoard } from './live-board.js';
import type { LiveBoards } from './live-boards.js';
import { Refusal } from './problem.js';
import type { Route, RouteCall } from './route.js';

export interface RouteParts {
  readonly view: PlaneView;
  readonly boards: LiveBoards;
  readonly version: string;
}

const MAX_TRIALS = 1_000;
const MAX_LINES = 5_000;
/** Where nobody says how many. */
const LINES = 500;

export function createRoutes({ view, boards, version }: RouteParts): readonly Route[] {
  const { journal } = view;
  const boardAnswers = new BoardAnswers();
  const boardOf = async (sweep: string): Promise<LiveBoard> => (await boards.of(sweep)) ?? unknownSweep(sweep);
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
    get('/sweeps/{sweep}', 'A sweep', answers.Sweep, ({ value }) => describeSweep(sweepOf(journal, value('sweep')))),
    get(
      '/sweeps/{sweep}/trials',
      'Its trials, in its order',
      answers.Trials,
      async ({ value }) => pageOfTrials(journal, await boardOf(value('sweep')), value),
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
        const live = await boardOf(value('sweep'));
        const [first, second] = [value('first'), value('second')].map((key) => trialsOfCell(journal, live, key));
        return describeComparison(compareTwo(journal, first ?? [], second ?? []));
      },
      { query: ['first', 'second'] },
    ),
    get('/trials/{trial}', 'A trial', answers.Trial, ({ value }) => describeTrial(trialOf(journal, value('trial')))),
    get('/trials/{trial}/curves', 'What it has measured so far', answers.Curves, ({ value }) =>
      describeCurves(journal.measurements(trialOf(journal, value('trial')).trial.trialId)),
    ),
    get(
      '/trials/{trial}/log',
      'The end of its log',
      answers.Log,
      ({ value, signal }) => {
        const { trialId } = trialOf(journal, value('trial')).trial;
        return endOfLog(view.log(trialId, signal), Math.min(MAX_LINES, Number(value('lines') || LINES)));
      },
      { query: ['lines'], isLarge: true },
    ),
    get('/workers', 'Workers, and what they have', answers.Workers, () => ({ workers: view.workers() })),
    ...SWEEP_ACTIONS.map((action) => actOn(view, action)),
  ];
}

function get(
  path: string,
  summary: string,
  answer: Route['answer'],
  serve: Route['serve'],
  more: { readonly query?: Route['query']; readonly isLarge?: boolean } = {},
): Route {
  return { verb: 'get', needs: 'read', path, summary, query: [], answer, serve, ...more };
}

const ACTS: Readonly<Record<SweepAction, string>> = {
  cancel: 'Cancels what waits or runs of a sweep',
  retry: 'Queues again what has failed',
  pause: 'Lends nothing more of a sweep; what runs goes on',
  resume: 'Goes on with a paused sweep',
};

function actOn(view: PlaneView, action: SweepAction): Route {
  return {
    verb: 'post',
    path: `/sweeps/{sweep}/${action}`,
    summary: ACTS[action],
    needs: 'submit',
    query: [],
    answer: answers.Acted,
    serve: ({ value }) => ({ action, trials: view.act(sweepOf(view.journal, value('sweep')).sweep, action) }),
  };
}

function unknownSweep(sweep: string): never {
  throw new SweepError('SWEEP_UNKNOWN', `there is no sweep "${sweep}"`);
}

function sweepOf(journal: JournalReader, sweep: string): SweepRecord {
  return journal.sweep(sweep) ?? unknownSweep(sweep);
}

function trialOf(journal: JournalReader, trialId: string): TrialRecord {
  const record = journal.trial(trialId);
  if (record === null) throw new SweepError('TRIAL_UNKNOWN', `there is no trial ${trialId}`);
  return record;
}

function pageOfTrials(journal: JournalReader, { board }: LiveBoard, value: RouteCall['value']) {
  const [from, limit] = [Number(value('from') || 0), Math.min(MAX_TRIALS, Number(value('limit') || MAX_TRIALS))];
  const state = value('state');
  const found: string[] = [];
  let place = from;
  for (; place < board.size && found.length < limit; place += 1) {
    if (state === '' || board.stateAt(place) === state) found.push(board.ids[place] as string);
  }
  const trials = found.map((trialId) => describeTrial(trialOf(journal, trialId)));
  return { trials, next: place < board.size ? place : null };
}

function trialsOfCell(journal: JournalReader, { board }: LiveBoard, key: string): readonly TrialRecord[] {
  const cell = board.cells.findIndex((each) => each.key === key);
  if (cell < 0) throw new Refusal(404, 'CELL_UNKNOWN', `the sweep has no cell ${key}`);
  return board.ids.filter((_, place) => board.cellOf[place] === cell).map((trialId) => trialOf(journal, trialId));
}

async function endOfLog(log: AsyncIterable<readonly string[]>, limit: number) {
  let lines: string[] = [];
  let seen = 0;
  for await (const piece of log) {
    seen += piece.length;
    lines = [...lines, ...piece].slice(-limit);
  }
  return { lines, left: seen - lines.length };
}
