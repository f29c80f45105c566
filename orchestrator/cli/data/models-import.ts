/** What `dss models import` does. Python fetches, and another Python without network opens the pickles. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { SweepError } from '../../core/errors.js';
import { counted } from '../../reports/format.js';
import { ImportRecord, importedModelPath } from '../../sources/imported-models.js';
import { placeOfModel } from '../../sources/model-source.js';
import { resolveHome } from '../environment.js';
import { note, print, printJson } from '../output.js';
import { askPython } from '../python.js';
import { parameterCount } from './models-list.js';

const Answer = ImportRecord.extend({ directory: z.string(), state: z.enum(['imported', 'present']) });

export interface ImportFlags {
  readonly model: string;
  readonly out: string | undefined;
  readonly home: string | undefined;
  readonly json: boolean;
}

export async function importModel({ model, out, home, json }: ImportFlags): Promise<number> {
  const request = requestOf(model, out, resolveHome(home));
  note(`importing ${model}`);
  const answer = Answer.parse(await askPython(['dss_worker.models.import_model'], request));
  if (json) printJson(answer);
  else for (const line of linesOf(answer, model, out === undefined)) print(line);
  if (answer.state === 'imported' && answer.isolation === 'settings') {
    note('this system gives no process a network of its own: the one that read the pickles was only told to use none');
  }
  return 0;
}

type ImportRequest = { readonly out: string } & ({ readonly name: string } | { readonly directory: string });

/** @throws SweepError MODEL_MISSING */
function requestOf(model: string, out: string | undefined, home: string): ImportRequest {
  const place = placeOfModel(model, process.cwd());
  switch (place.kind) {
    case 'hub':
      return { name: place.name, out: out === undefined ? importedModelPath(home, place.name) : resolve(out) };
    case 'directory':
      return { directory: place.directory, out: resolve(out ?? `${place.directory}-safetensors`) };
    case 'none':
      throw new SweepError('MODEL_MISSING', `there is no model directory ${place.directory}`, {
        hint: 'a model of the hub is written organisation/name',
      });
  }
}

function linesOf(answer: z.infer<typeof Answer>, model: string, isDefault: boolean): readonly string[] {
  const { directory, state, parameters, dtypes, left_out: leftOut, has_output_layer: hasOutputLayer } = answer;
  const output = hasOutputLayer ? 'an output layer of its own' : 'its output layer is its embedding';
  const what = `${parameterCount(parameters)} parameters, ${dtypes.join(' and ')}, ${output}`;
  return [
    `${model}: ${state === 'present' ? 'imported before: ' : ''}${what}`,
    ...(leftOut.length === 0
      ? []
      : [
          `left out, since T5 has no such thing: ${counted(leftOut.length, 'tensor')} (${leftOut.slice(0, 3).join(', ')})`,
        ]),
    `in ${directory}; a sweep file names it ${answer.name !== null && isDefault ? answer.name : directory}`,
  ];
}
