/** Cells that cannot run, in words. */
import type { PlacedProblem, RejectedCell } from '../../core/sweep/resolve-grid.js';
import { oneLine } from '../../core/text.js';
import type { Plan } from '../../plan/plan-sweep.js';
import { counted } from '../../reports/format.js';
import type { PlaceOf } from '../../sources/read-sweep-file.js';
import { noteError, noteWithHint } from '../output.js';

/** Each reason once, with how many cells it rejects and the first place in the file, if there is one, that it is about. */
export function tellRejections(
  rejected: readonly RejectedCell[],
  { placeOf = () => '', isMistake }: { readonly placeOf?: PlaceOf | undefined; readonly isMistake: boolean },
): void {
  const reasons = new Map<string, { problem: PlacedProblem; count: number }>();
  for (const problem of rejected.flatMap((cell) => [cell, ...cell.further])) {
    const text = `${problem.code}: ${oneLine(problem.message)}`;
    reasons.set(text, { problem, ...reasons.get(text), count: (reasons.get(text)?.count ?? 0) + 1 });
  }
  for (const [text, { problem, count }] of reasons) {
    const line = `${placeOf(problem.path)}${counted(count, 'cell')} rejected: ${text}`;
    const hint = oneLine(problem.hint);
    if (isMistake) noteError(line, hint);
    else noteWithHint(line, hint);
  }
}

/** A plan without a trial, which is a mistake even where rejected cells are none; `null`: it has some. */
export function nothingLeft({ sweep, requested, trials }: Pick<Plan, 'sweep' | 'requested' | 'trials'>): string | null {
  if (trials.length > 0) return null;
  const why = requested === 0 ? '`exclude` takes out all of its cells' : 'all of its cells are rejected';
  return `${sweep}: no cell is left to run: ${why}`;
}
