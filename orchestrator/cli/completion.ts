/** `dss completion`: a script for the shell, which asks `dss` itself what may come next. */
import { defineCommand } from './command.js';

const SCRIPTS = {
  bash: `_dss() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(dss --get-yargs-completions "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _dss dss
`,
  zsh: `#compdef dss
_dss() {
  local -a found
  found=("\${(@f)$(SHELL=bash dss --get-yargs-completions "\${(@)words[1,CURRENT]}" 2>/dev/null)}")
  compadd -- $found || _files
}
compdef _dss dss
`,
  fish: `complete -c dss -a '(SHELL=bash dss --get-yargs-completions (commandline -opc) (commandline -ct) 2>/dev/null)'
`,
} as const;

export const completionCommand = defineCommand({
  usage: 'completion [shell]',
  summary: 'Print a completion script for the shell',
  examples: [['source <(dss completion bash)', 'complete commands and flags in this shell']],
  flags: (argv) =>
    argv.positional('shell', {
      choices: ['bash', 'zsh', 'fish'] as const,
      describe: 'which shell (default: the one of $SHELL)',
    }),
  run: async ({ shell }) => {
    const own = process.env['SHELL']?.split('/').at(-1);
    process.stdout.write(SCRIPTS[shell ?? (own === 'zsh' || own === 'fish' ? own : 'bash')]);
    return 0;
  },
});
