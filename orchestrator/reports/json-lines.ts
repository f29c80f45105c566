/**
 * `trials.jsonl` and `evaluations.jsonl`: a flat JSON object a line, as pandas' `read_json(…, lines=True)` and others take
 * it. JSON has no word for NaN and the infinities: they are null, and a field beside says which it was.
 */
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import type { TrialColumn, TrialRow } from './trial-columns.js';

type Field = readonly [string, string | number | null];
export type MeasurementsOf = (trialId: string) => TrialMeasurements;

/** A line per trial, with the columns of results.csv. Lines without their ends. */
export function* trialLines(columns: readonly TrialColumn[], rows: Iterable<TrialRow>): Generator<string> {
  for (const row of rows) yield `{${membersOf(columns.map(({ name }, place) => [name, row[place] ?? null]))}}`;
}

/** A line per training point and per evaluation of every trial, each with the trial's settings. */
export function* evaluationLines(records: readonly TrialRecord[], measurementsOf: MeasurementsOf): Generator<string> {
  for (const { trial } of records) {
    const { training, evaluations } = measurementsOf(trial.trialId);
    // The same text begins all lines of a trial; to make it for each would take longer than all the rest.
    const start = `{${membersOf([['id', trial.trialId], ...(Object.entries(trial.settings) as readonly Field[])])}`;
    for (const { step, loss } of training) {
      yield `${start},"kind":"training","split":"train","step":${step},${member('"loss"', loss)},"accuracy":null,"choice_accuracy":null,"rows":null}`;
    }
    for (const { step, split, loss, accuracy, choiceAccuracy, rows } of evaluations) {
      const measured = `${member('"loss"', loss)},${member('"accuracy"', accuracy)},${member('"choice_accuracy"', choiceAccuracy)}`;
      yield `${start},"kind":"evaluation","split":"${split}","step":${step},${measured},"rows":${rows}}`;
    }
  }
}

function membersOf(fields: readonly Field[]): string {
  return fields.map(([name, value]) => member(JSON.stringify(name), value)).join(',');
}

/** @param name as JSON has it */
function member(name: string, value: string | number | null): string {
  if (value === null) return `${name}:null`;
  if (typeof value === 'string') return `${name}:${JSON.stringify(value)}`;
  return Number.isFinite(value) ? `${name}:${value}` : `${name}:null,${name.slice(0, -1)}_word":"${wordOf(value)}"`;
}

function wordOf(value: number): string {
  if (Number.isNaN(value)) return 'not a number';
  return value > 0 ? 'infinity' : 'minus infinity';
}
