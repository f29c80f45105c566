/** `dss models …`: models whose weights are pickled, made ready to train on. */
import { defineCommand, defineGroup, homeFlag, jsonFlag } from '../command.js';

const importCommand = defineCommand({
  usage: 'import <model>',
  summary: 'Convert pickled weights to safetensors, once',
  examples: [
    ['$0 models import google/t5-v1_1-base', 'fetched and converted; sweep files name it as before'],
    ['$0 models import ./my-t5 --out ./my-t5-safe', 'a directory with pytorch_model.bin, which stays as it is'],
  ],
  flags: (argv) =>
    argv
      .positional('model', { type: 'string', demandOption: true, describe: 'hub name or directory' })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: "folder to make (default: in the state folder; a directory's: beside it, with -safetensors)",
      })
      .options({ ...homeFlag, ...jsonFlag }),
  run: async ({ model, out, home, json }) => {
    const { importModel } = await import('./models-import.js');
    return importModel({ model, out, home, json });
  },
});

const listCommand = defineCommand({
  usage: 'list',
  summary: 'Show the models that were imported',
  examples: [['$0 models list', 'names, sizes, and where they came from']],
  flags: (argv) => argv.options({ ...homeFlag, ...jsonFlag }),
  run: async ({ home, json }) => {
    const { listModels } = await import('./models-list.js');
    return listModels({ home, json });
  },
});

export const modelsCommand = defineGroup({
  name: 'models',
  summary: 'Import models whose weights are pickled',
  examples: [['$0 models import google/t5-v1_1-base', 'convert the weights of a hub model']],
  commands: [importCommand, listCommand],
  missing: 'models: one of import, list is missing',
});
