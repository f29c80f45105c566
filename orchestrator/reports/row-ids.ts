/** What the rows of a report are called in its addresses, where they are of more than one cell. */
import { idOfKey } from './cell-groups.js';
import type { Comparison } from './comparisons.js';
import type { PublishedVerdict } from './published.js';
import type { TeacherQuality } from './sweep-report.js';

export function comparisonId({ candidate, baseline }: Pick<Comparison, 'candidate' | 'baseline'>): string {
  return `${candidate.id}-${baseline.id}`;
}

/** Of a cell there may be several numbers. */
export function publishedId({ cell, number }: PublishedVerdict): string {
  return `${cell.id}-${idOfKey(JSON.stringify(number))}`;
}

/** A dataset's name is a folder's, and may have signs in it that a command line would have to quote. */
export function teacherId({ dataset, teacher, split }: TeacherQuality): string {
  const name = [dataset, teacher ?? 'own', split].join('-');
  return /^[\w.-]+$/.test(name) ? name : idOfKey(name);
}
