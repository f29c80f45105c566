/** Which teacher a cell is to be held against, and why there is none. */
import type { CellSettings } from '../core/records.js';
import type { TeacherQuality } from './sweep-report.js';

/** A dataset whose teacher cannot be counted: the data that trials read is not what is there now. */
export interface TeacherLeftOut {
  readonly dataset: string;
  /** Files that hold something else than what every trial read. Paths are within the datasets folder. */
  readonly changed: readonly string[];
  /** Files that are not there, or cannot be read. */
  readonly absent: readonly string[];
}

/** On the split that students are tested on; for one trained without a teacher, any of the dataset's. */
export function teacherOf({ dataset, llm }: CellSettings, teachers: readonly TeacherQuality[]): TeacherQuality | null {
  const tested = teachers.filter((each) => each.dataset === dataset && each.split === 'test');
  return (llm === null ? tested[0] : tested.find(({ teacher }) => teacher === llm)) ?? null;
}

/** A sentence for each. */
export function leftOutTexts(leftOut: readonly TeacherLeftOut[]): readonly string[] {
  return leftOut.map((each) => `How good the teacher of ${each.dataset} is, is not shown: ${whyLeftOut(each)}.`);
}

export function whyLeftOut({ changed, absent }: TeacherLeftOut): string {
  return [
    ...(changed.length > 0
      ? [`${namesOf(changed)} changed since trials read ${changed.length > 1 ? 'them' : 'it'}`]
      : []),
    ...(absent.length > 0 ? [`${namesOf(absent)} cannot be read here any more`] : []),
  ].join(', and ');
}

const MOST_NAMED = 3;

function namesOf(paths: readonly string[]): string {
  const more = paths.length - MOST_NAMED;
  return paths.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
