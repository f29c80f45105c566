/** What to say of datasets that are not there, or not all of them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { closest } from '../core/closest.js';
import { SweepError } from '../core/errors.js';
import { RELEASE_ROWS } from './row-formats.js';

const SHOWN_FILES = 3;
const WHERE = '--datasets or DSS_DATASETS names another datasets folder';

export function missingFiles(root: string, name: string, paths: readonly string[]): SweepError {
  const hint = RELEASE_ROWS.has(name) ? `\`dss data import datasets.zip\` unpacks the release's; ${WHERE}` : WHERE;
  return new SweepError(
    'DATASET_MISSING',
    `dataset "${name}" is not complete: there is no ${paths.join(', no ')} in ${root}`,
    { hint },
  );
}

export async function missingDataset(root: string, name: string): Promise<SweepError> {
  const names = await readdir(root).catch(() => null);
  if (names === null) return new SweepError('DATASET_MISSING', `there is no datasets folder ${root}`, { hint: WHERE });
  if (names.includes(name)) {
    const others = (await readdir(join(root, name)).catch(() => [])).filter((each) =>
      /\.(csv|tsv|json|parquet)$/.test(each),
    );
    const looked = [...(RELEASE_ROWS.has(name) ? [`${name}_train.json`] : []), 'train.jsonl'];
    return new SweepError(
      'DATASET_MISSING',
      `dataset "${name}" has no ${looked.join(' and no ')} in ${join(root, name)}`,
      {
        hint:
          others.length > 0 && !RELEASE_ROWS.has(name)
            ? `there is ${others.sort().slice(0, SHOWN_FILES).join(', ')}: rows are JSON objects, one a line, in train.jsonl and test.jsonl`
            : `the release's layout is read for ${[...RELEASE_ROWS.keys()].join(', ')}; any other dataset is a folder with train.jsonl and test.jsonl`,
      },
    );
  }
  const meant = closest(name, names);
  const release = RELEASE_ROWS.has(name) ? "`dss data import datasets.zip` unpacks the release's; " : '';
  return new SweepError('DATASET_MISSING', `there is no dataset "${name}" in ${root}`, {
    hint: `${meant === null ? '' : `did you mean ${meant}? `}${release}${WHERE}`,
  });
}
