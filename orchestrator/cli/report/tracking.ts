/** `dss tracking …`: sweeps in the tools that people compare experiments with. */
import { defineCommand, defineGroup, jsonFlag, whereFlags } from '../command.js';

const followFlags = {
  follow: { type: 'boolean', default: false, describe: 'go on until the sweep has ended, or Ctrl-C' },
  // Of `dss sweep`, which starts these: they end with it, however it ends.
  'until-eof': { type: 'boolean', default: false, hidden: true },
} as const;

const mlflowCommand = defineCommand({
  usage: 'mlflow <sweep>',
  summary: 'Send a sweep to the MLflow server of $MLFLOW_TRACKING_URI; what is there is not sent again',
  examples: [
    ['$0 tracking mlflow quickstart', 'a run per cell, below it one per seed, in an experiment of the sweep’s name'],
    ['$0 tracking mlflow quickstart --follow', 'while it runs; `dss sweep` does so by itself when the variable is set'],
  ],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .options({ ...followFlags, ...whereFlags, ...jsonFlag }),
  run: async ({ sweep, follow, untilEof, server, context, home, json }) => {
    const { trackSweep } = await import('./track-sweep.js');
    return trackSweep({ sweep, to: { kind: 'mlflow' }, follow, untilEof, server, context, home, json });
  },
});

const tensorboardCommand = defineCommand({
  usage: 'tensorboard <sweep> <dir>',
  summary: 'Write TensorBoard event folders: one per trial, and mean ± deviation per cell',
  examples: [
    ['$0 tracking tensorboard quickstart runs', 'then: tensorboard --logdir runs'],
    [
      '$0 tracking tensorboard quickstart runs --follow',
      'while it runs; `dss sweep` does so into $DSS_TENSORBOARD_DIR',
    ],
  ],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .positional('dir', { type: 'string', demandOption: true, describe: 'a folder; what else is in it stays' })
      .options({ ...followFlags, ...whereFlags, ...jsonFlag }),
  run: async ({ sweep, dir, follow, untilEof, server, context, home, json }) => {
    const { trackSweep } = await import('./track-sweep.js');
    return trackSweep({ sweep, to: { kind: 'tensorboard', dir }, follow, untilEof, server, context, home, json });
  },
});

const wandbCommand = defineCommand({
  usage: 'wandb <sweep> <dir>',
  summary: 'Write offline runs of Weights & Biases, for `wandb sync`; nothing is sent',
  examples: [['$0 tracking wandb quickstart runs', 'then: wandb sync runs/wandb/offline-run-*']],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .positional('dir', { type: 'string', demandOption: true, describe: 'a folder; what else is in it stays' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async ({ sweep, dir, server, context, home, json }) => {
    const { trackSweep } = await import('./track-sweep.js');
    const once = { follow: false, untilEof: false };
    return trackSweep({ sweep, to: { kind: 'wandb', dir }, ...once, server, context, home, json });
  },
});

export const trackingCommand = defineGroup({
  name: 'tracking',
  summary: 'Send sweeps to MLflow, or write them for TensorBoard or W&B',
  examples: [['$0 tracking tensorboard quickstart runs', 'a folder for tensorboard --logdir']],
  commands: [mlflowCommand, tensorboardCommand, wandbCommand],
  missing: 'tracking: one of mlflow, tensorboard, wandb is missing',
});
