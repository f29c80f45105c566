/** Sweeps and trials for commands that look at them, wherever they are: in a state folder here, or at a control plane. */
import { closest } from '../../core/closest.js';
import type { Failure, TrialState } from '../../core/domain.js';
import { SweepError } from '../../core/errors.js';
import type { Notice } from '../../core/notice.js';
import type { SweepRecord, TrialMeasurements, TrialRecord } from '../../core/records.js';
import type { SweepHistory } from '../../core/sweep/sweep-history.js';
import type { WorkerStanding } from '../../core/worker-standing.js';
import { resolveHome } from '../environment.js';
import { findServer, type WhereFlags } from '../server/find-server.js';

/** How a trial stands, and no more. */
export interface TrialStands {
  readonly trialId: string;
  readonly state: TrialState;
  readonly failure: Failure | null;
}

/** Who works for a control plane, and what keeps trials from running. */
export interface PlaneStands {
  readonly workers: readonly WorkerStanding[];
  readonly notices: readonly Notice[];
}

/** Every method throws SweepError. */
export interface SweepReader {
  /** For messages: `the state folder …`. */
  readonly place: string;
  /** Newest submission first. */
  sweeps(): Promise<readonly SweepRecord[]>;
  sweep(name: string): Promise<SweepRecord | null>;
  /** Of those trials that somebody submitted. */
  standing(trialIds: readonly string[]): Promise<readonly TrialStands[]>;
  /** Ids beginning with a prefix, at most `limit` of them. */
  findTrials(prefix: string, limit: number): Promise<readonly string[]>;
  trial(trialId: string): Promise<TrialRecord>;
  /** Of what it declares to compare now; `null`: nobody here can tell. */
  history(sweep: SweepRecord): Promise<SweepHistory | null>;
  /** In the sweep's order. */
  trials(sweep: string): AsyncIterable<TrialRecord>;
  /** To look up what each trial of a sweep has measured. */
  measured(sweep: string): Promise<Measured>;
  /** With `follow` it goes on until the trial has ended. */
  logs(trialId: string, options: { readonly follow: boolean }): AsyncIterable<string>;
  /** `null`: no control plane runs. */
  workers(): Promise<readonly WorkerStanding[] | null>;
  /** As above, with what it says of itself. */
  plane(): Promise<PlaneStands | null>;
}

export interface Measured {
  measurements(trialId: string): TrialMeasurements;
}

/** Opens what the flags name, hands it over, and closes it. */
export async function withReader<T>(where: WhereFlags, use: (reader: SweepReader) => Promise<T>): Promise<T> {
  const server = await findServer(where);
  if (server === null) {
    const [{ withJournal }, { journalReader }] = await Promise.all([
      import('../state.js'),
      import('./journal-reader.js'),
    ]);
    const home = resolveHome(where.home);
    return withJournal(home, (journal) => use(journalReader(journal, home)));
  }
  const [{ connectServer }, { serverReader }] = await Promise.all([
    import('../server/connect-server.js'),
    import('./server-reader.js'),
  ]);
  const { client } = await connectServer(server);
  try {
    return await use(serverReader(client, server.address));
  } finally {
    client.close();
  }
}

/** For commands about one sweep. */
export function withSweep<T>(
  where: WhereFlags,
  name: string,
  use: (reader: SweepReader, sweep: SweepRecord) => Promise<T>,
): Promise<T> {
  return withReader(where, async (reader) => use(reader, await mustHaveSweep(reader, name)));
}

export async function mustHaveSweep(reader: SweepReader, name: string): Promise<SweepRecord> {
  const sweep = await reader.sweep(name);
  if (sweep !== null) return sweep;
  const names = (await reader.sweeps()).map((each) => each.sweep);
  const meant = closest(name, names);
  const known =
    names.length === 0 ? `nothing has run yet with ${reader.place}` : `known: ${names.slice(0, 10).join(', ')}`;
  throw new SweepError('SWEEP_UNKNOWN', `there is no sweep "${name}"`, {
    hint: meant === null ? known : `did you mean ${meant}? ${known}`,
  });
}

/** By an id or its beginning, as long as only one trial's begins so. */
export async function findTrial(reader: SweepReader, prefix: string): Promise<string> {
  const found = /^[0-9a-f]{1,20}$/.test(prefix) ? await reader.findTrials(prefix, 3) : [];
  const [first, second] = found;
  if (first === undefined) {
    throw new SweepError('TRIAL_UNKNOWN', `there is no trial whose id begins with "${prefix}"`, {
      hint: `\`dss results SWEEP\` lists ids; this is ${reader.place}`,
    });
  }
  if (second !== undefined && first !== prefix) {
    throw new SweepError('TRIAL_UNKNOWN', `several trials have an id that begins with "${prefix}"`, {
      hint: `${found.slice(0, 2).join(', ')}${found.length > 2 ? ', …' : ''}`,
    });
  }
  return first;
}

export async function collected<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
