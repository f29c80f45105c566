/** What `dss data import` does. Python's zipfile unpacks; nothing of the archive is trusted, see import_zip.py. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { EXIT_STATUS } from '../../core/errors.js';
import { counted } from '../../reports/format.js';
import { resolveDatasets } from '../environment.js';
import { note, print, printJson } from '../output.js';
import { askPython } from '../python.js';

const Answer = z.object({
  datasets: z.array(
    z.object({
      name: z.string(),
      files: z.number(),
      bytes: z.number(),
      rows: z.record(z.string(), z.number()),
      problem: z.string().nullable(),
    }),
  ),
  ignored: z.array(z.string()),
});

export interface ImportFlags {
  readonly zip: string;
  readonly datasets: string | undefined;
  readonly json: boolean;
}

export async function importData({ zip, datasets, json }: ImportFlags): Promise<number> {
  const root = resolveDatasets(datasets);
  const answer = Answer.parse(await askPython(['dss_worker.data.import_zip'], { zip: resolve(zip), datasets: root }));
  if (json) printJson({ root, ...answer });
  for (const { name, files, rows, problem } of answer.datasets) {
    const splits = Object.entries(rows).map(([split, count]) => `${split} ${count}`);
    if (problem !== null) note(`${name}: left out: ${problem}`);
    else if (!json)
      print(`${name}: ${counted(files, 'file')}${splits.length > 0 ? `, rows: ${splits.join(', ')}` : ''}`);
  }
  if (answer.ignored.length > 0) note(`${counted(answer.ignored.length, 'other entry', 'other entries')} left out`);
  if (!json) print(`in ${root}; \`dss data check NAME\` looks at the rows`);
  return answer.datasets.some(({ problem }) => problem !== null) ? EXIT_STATUS.DATASET_INVALID : 0;
}
