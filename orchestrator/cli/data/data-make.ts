/** What `dss data make svamp` does. Python writes the files, since the shuffle is NumPy's. */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { resolveDatasets } from '../environment.js';
import { print, printJson } from '../output.js';
import { askPython } from '../python.js';

const Answer = z.object({
  files: z.array(z.object({ path: z.string(), rows: z.number(), sha256: z.string(), state: z.string() })),
});

export interface MakeFlags {
  readonly source: string | undefined;
  readonly datasets: string | undefined;
  readonly json: boolean;
}

export async function makeSvamp({ source, datasets, json }: MakeFlags): Promise<number> {
  const directory = join(resolveDatasets(datasets), 'svamp');
  const answer = Answer.parse(
    await askPython(['dss_worker.data.make_svamp'], {
      source: source === undefined ? join(directory, 'SVAMP.json') : resolve(source),
      directory,
    }),
  );
  if (json) printJson(answer);
  else
    for (const { path, rows, sha256, state } of answer.files)
      print(`${path}: ${rows} rows, sha256 ${sha256}, ${state}`);
  return 0;
}
