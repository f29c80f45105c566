/** Mistakes on the command line, with what was probably meant. */
import { closest } from '../core/closest.js';
import { SweepError } from '../core/errors.js';

/** `message` is yargs', said again so that it names what was typed. */
export function usageError(message: string, words: readonly string[], known: readonly string[]): SweepError {
  const command = words.find((word) => !word.startsWith('-'));
  const help = (of: string | undefined) => `see \`dss ${of === undefined ? '' : `${of} `}--help\``;
  const meant = /^Did you mean (.+)\?$/.exec(message)?.[1];
  if (meant !== undefined) {
    return new SweepError('USAGE', `there is no command "${command}"`, {
      hint: `did you mean ${meant}? ${help(undefined)}`,
    });
  }
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1];
  if (unknown !== undefined && unknown === command) {
    return new SweepError('USAGE', `there is no command "${command}"`, { hint: help(undefined) });
  }
  if (unknown !== undefined) {
    const isFlag = words.some((word) => word.replace(/=.*$/, '') === `--${unknown}` || word === `-${unknown}`);
    const flag = isFlag ? closest(unknown, known) : null;
    const text = isFlag ? `there is no flag --${unknown}` : `"${unknown}" is one word too many`;
    return new SweepError('USAGE', text, {
      hint: `${flag === null ? '' : `did you mean --${flag}? `}${help(command)}`,
    });
  }
  const text = message.startsWith('Not enough non-option arguments') ? 'an argument is missing' : message;
  return new SweepError('USAGE', text, { hint: help(command) });
}
