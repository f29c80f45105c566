/** What people who come from kubectl, docker, torchrun or Hugging Face type, and what does it here. */

const COMMANDS: Readonly<Record<string, string>> = {
  list: 'dss status',
  ls: 'dss status',
  get: 'dss status',
  ps: 'dss status',
  top: 'dss status',
  describe: 'dss status SWEEP',
  delete: 'dss cancel SWEEP',
  rm: 'dss cancel SWEEP',
  stop: 'dss cancel SWEEP',
  kill: 'dss cancel SWEEP',
  apply: 'dss sweep FILE',
  create: 'dss sweep FILE',
  submit: 'dss sweep FILE',
  train: 'dss run',
  version: 'dss --version',
};

const FLAGS: Readonly<Record<string, string>> = {
  'dry-run': 'dss plan FILE',
  dryrun: 'dss plan FILE',
};

export function commandMeant(word: string): string | null {
  return Object.hasOwn(COMMANDS, word) ? (COMMANDS[word] ?? null) : null;
}

/** A command, where this has a command for what others have a flag for. */
export function commandForFlag(flag: string): string | null {
  const name = flag.replaceAll('_', '-');
  return Object.hasOwn(FLAGS, name) ? (FLAGS[name] ?? null) : null;
}
