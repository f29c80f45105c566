/** Whether rows are what their events lead to: a row that is not was damaged, or written by somebody else. */
import type { TrialStanding } from '../core/schedule/snapshot.js';
import type { StoredCheckpoint } from '../core/stored-file.js';
import { checkHistory, type Finding, type Invariant } from './check-history.js';
import { FoldedState, type FoldedSubmission, type FoldedTrial } from './fold.js';
import type { Journal, SweepRecord, TrialMeasurements, TrialRecord } from './journal.js';
import { stableJson, withoutBits } from './json.js';

/** What the rows say of one trial. */
export interface TrialRows {
  readonly record: TrialRecord;
  /** `null`: not at hand, and not compared. */
  readonly standing: Pick<TrialStanding, 'token' | 'workerId' | 'machines' | 'spent'> | null;
  readonly checkpoint: StoredCheckpoint | null;
  /** Of its newest attempt. */
  readonly measured: TrialMeasurements;
}

/** Everything that can be asked of a journal. Holds what the events lead to in memory: for journals of tests. */
export function checkJournal(journal: Journal): readonly Finding[] {
  const folded = FoldedState.of(journal.events());
  const standings = new Map<string, TrialStanding>();
  const findings: Finding[] = [...checkHistory(journal.events())];
  for (const [sweep, { trialIds }] of folded.sweeps) {
    const members = [...journal.standings(sweep)];
    for (const standing of members) standings.set(standing.trialId, standing);
    findings.push(
      ...checkMembers(
        sweep,
        trialIds,
        members.map(({ trialId }) => trialId),
      ),
    );
  }
  for (const record of journal.sweeps()) findings.push(...checkSweep(record, folded.sweeps.get(record.sweep)));
  for (const [trialId, trial] of folded.trials) {
    const record = journal.trial(trialId);
    if (record === null) {
      findings.push(missingRow(trialId));
      continue;
    }
    const measured = journal.measurements(trialId);
    const [standing, checkpoint] = [standings.get(trialId) ?? null, journal.storedCheckpoint(trialId)];
    findings.push(...checkTrial(trialId, trial, { record, standing, checkpoint, measured }));
  }
  return findings;
}

/** `folded`: what the sweep's events lead to; `undefined`: it has none. */
export function checkSweep(record: SweepRecord, folded: FoldedSubmission | undefined): readonly Finding[] {
  const { sweep, submittedAtUnixMs, standing } = record;
  if (folded === undefined) return [rowFinding('I3', `sweep "${sweep}" has rows, but no event brought it`)];
  const [row, events] = [
    stableJson({ submittedAtUnixMs, standing }),
    stableJson({ submittedAtUnixMs: folded.submittedAtUnixMs, standing: folded.standing }),
  ];
  return row === events ? [] : [rowFinding('I1', `sweep "${sweep}" is ${row}, but its events lead to ${events}`)];
}

export function checkMembers(sweep: string, events: readonly string[], rows: readonly string[]): readonly Finding[] {
  const place = events.findIndex((trialId, position) => rows[position] !== trialId);
  if (place < 0 && events.length === rows.length) return [];
  const at = place < 0 ? events.length : place;
  const said = `events have ${events[at] ?? 'nothing'}, rows ${rows[at] ?? 'nothing'}`;
  return [rowFinding('I1', `sweep "${sweep}" of ${events.length} trials: at position ${at} ${said}`)];
}

/** `folded`: what the trial's events lead to; `undefined`: it has none. */
export function checkTrial(trialId: string, folded: FoldedTrial | undefined, rows: TrialRows): readonly Finding[] {
  if (folded === undefined) return [rowFinding('I3', `trial ${trialId} has a row, but no event is about it`)];
  const { record, standing, checkpoint, measured } = rows;
  const findings: Finding[] = [];
  const compare = (invariant: Invariant, name: string, row: unknown, events: unknown) => {
    const [left, right] = [stableJson(row), stableJson(events)];
    if (left === right) return;
    const said = `${name} is ${clip(left)}, but its events lead to ${clip(right)}`;
    findings.push(rowFinding(invariant, `trial ${trialId}: ${said}`));
  };
  compare('I3', 'state', record.state, folded.state);
  compare('I2', 'attempts', record.attempts, folded.attempts);
  compare('I1', 'result', record.result, folded.state === 'succeeded' ? folded.result : null);
  compare('I1', 'failure', record.failure, folded.failure);
  compare('I1', 'queued at', record.queuedAtUnixMs, folded.queuedAtUnixMs);
  compare('I1', 'started at', record.startedAtUnixMs, folded.startedAtUnixMs);
  compare('I1', 'ended at', record.endedAtUnixMs, folded.endedAtUnixMs);
  compare('I1', 'stored checkpoint', checkpoint, folded.checkpoint);
  if (standing !== null) {
    compare('I2', 'token', standing.token, folded.token);
    compare('I3', 'worker', standing.workerId, folded.workerId);
    compare('I3', 'machines', standing.machines, folded.machines);
    compare('I3', 'what its failures cost', standing.spent, folded.spent);
  }
  const { training, evaluations } = folded.measured.get(folded.attempts) ?? { training: [], evaluations: [] };
  compare('I5', 'training', measured.training, [...training].sort(byStep));
  compare('I5', 'evaluations', measured.evaluations.map(withoutBits), [...evaluations].map(withoutBits).sort(bySplit));
  return findings;
}

export function missingRow(trialId: string): Finding {
  return rowFinding('I1', `trial ${trialId} has events, but no row`);
}

export function rowFinding(invariant: Invariant, what: string): Finding {
  return { invariant, eventId: null, what };
}

function byStep(a: { readonly step: number }, b: { readonly step: number }): number {
  return a.step - b.step;
}

/** As readers give them: by step, and `valid` before `test`. */
function bySplit(a: { step: number; split: string }, b: { step: number; split: string }): number {
  return a.step - b.step || (a.split < b.split ? 1 : -1);
}

const SHOWN = 120;

function clip(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}
