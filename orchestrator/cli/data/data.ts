/** `dss data …`: the datasets folder. */
import { datasetsFlag, defineCommand, defineGroup, jsonFlag } from '../command.js';

const checkCommand = defineCommand({
  usage: 'check <names..>',
  summary: 'Count and check rows, labels and teacher outputs',
  examples: [
    ['$0 data check cqa svamp', 'rows, label balance, teacher accuracy, hashes, wrong rows by line'],
    [
      '$0 data check cqa --model models/t5-small',
      'and what a tokenizer makes of them: lengths, what it has no tokens for',
    ],
  ],
  flags: (argv) =>
    argv
      .positional('names', { type: 'string', array: true, demandOption: true, describe: 'datasets' })
      .option('model', {
        type: 'string',
        requiresArg: true,
        describe: 'model directory, whose tokenizer reads the texts',
      })
      .options({ ...datasetsFlag, ...jsonFlag }),
  run: async ({ names, model, datasets, json }) => {
    const { checkData } = await import('./data-check.js');
    return checkData({ names, model, datasets, json });
  },
});

const importCommand = defineCommand({
  usage: 'import <zip>',
  summary: "Check the release's datasets.zip and unpack it",
  examples: [['$0 data import datasets.zip --datasets datasets', 'all or nothing; what is there is left alone']],
  flags: (argv) =>
    argv
      .positional('zip', { type: 'string', demandOption: true, describe: 'the archive' })
      .options({ ...datasetsFlag, ...jsonFlag }),
  run: async ({ zip, datasets, json }) => {
    const { importData } = await import('./data-import.js');
    return importData({ zip, datasets, json });
  },
});

const makeCommand = defineCommand({
  usage: 'make <name>',
  summary: 'Make a dataset from its source',
  examples: [['$0 data make svamp --source SVAMP.json', "the release's files, byte for byte"]],
  flags: (argv) =>
    argv
      .positional('name', { choices: ['svamp'] as const, demandOption: true, describe: 'which' })
      .option('source', {
        type: 'string',
        requiresArg: true,
        describe: 'SVAMP.json (default: svamp/SVAMP.json in the datasets folder)',
      })
      .options({ ...datasetsFlag, ...jsonFlag }),
  run: async ({ source, datasets, json }) => {
    const { makeSvamp } = await import('./data-make.js');
    return makeSvamp({ source, datasets, json });
  },
});

export const dataCommand = defineGroup({
  name: 'data',
  summary: 'Check, import or make datasets',
  examples: [['$0 data check cqa svamp', 'rows, labels, teacher and hashes of two datasets']],
  commands: [checkCommand, importCommand, makeCommand],
  missing: 'data: one of check, import, make is missing',
});
