/** Which teacher a cell is to be held against. */
import type { CellSettings } from '../core/records.js';
import type { TeacherQuality } from './sweep-report.js';

/** On the split that students are tested on; for one trained without a teacher, any of the dataset's. */
export function teacherOf({ dataset, llm }: CellSettings, teachers: readonly TeacherQuality[]): TeacherQuality | null {
  const tested = teachers.filter((each) => each.dataset === dataset && each.split === 'test');
  return (llm === null ? tested[0] : tested.find(({ teacher }) => teacher === llm)) ?? null;
}
