/** Mistakes on the command line, with what was probably meant. */
import { closest } from '../core/closest.js';
import { SweepError } from '../core/errors.js';

/** Commands that have commands of their own. */
const GROUPS: readonly (string | undefined)[] = ['data', 'models'];

/** `message` is yargs', said again so that it names what was typed. */
export function usageError(message: string, words: readonly string[], known: readonly string[]): SweepError {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  const command = GROUPS.includes(first) && second !== undefined ? `${first} ${second}` : first;
  const usage = (text: string, of: string | undefined, meant = '') =>
    new SweepError('USAGE', text, {
      hint: `${meant === '' ? '' : `did you mean ${meant}? `}see \`dss ${of === undefined ? '' : `${of} `}--help\``,
    });

  const meant = /^Did you mean (.+)\?$/.exec(message)?.[1];
  if (meant !== undefined)
    return usage(`there is no command "${command}"`, command === first ? undefined : first, meant);
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1];
  if (unknown !== undefined && (unknown === first || `${first} ${unknown}` === command)) {
    return usage(`there is no command "${command}"`, command === first ? undefined : first);
  }
  // Before what is missing: a flag that is not one may have swallowed it.
  const flag = unknownFlag(words, known);
  if (flag !== undefined) {
    const near = closest(flag, known);
    return usage(
      `there is no flag ${flag.length === 1 ? '-' : '--'}${flag}`,
      command,
      near === null ? '' : `--${near}`,
    );
  }
  if (unknown !== undefined) return usage(`"${unknown}" is one word too many`, command);
  return usage(inOurWords(message, words), command);
}

function unknownFlag(words: readonly string[], known: readonly string[]): string | undefined {
  const end = words.indexOf('--');
  return words
    .slice(0, end < 0 ? words.length : end)
    .map((word) => /^(?:--(?=[a-z])|-(?=[a-z](?:=|$)))([^=]*)/i.exec(word)?.[1])
    .find((name) => name !== undefined && name !== '' && !known.includes(name));
}

function inOurWords(message: string, words: readonly string[]): string {
  if (message.startsWith('Not enough non-option arguments')) return 'an argument is missing';
  const without = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (without !== undefined) return `--${without}: expected a value, got nothing`;
  const missing = /^Missing required arguments?: (.+)$/.exec(message)?.[1];
  if (missing !== undefined)
    return missing
      .split(', ')
      .map((flag) => `--${flag} is missing`)
      .join('\n');
  const choices = /^ {2}Argument: (.+), Given: (.+?), Choices: (.+)$/m.exec(message);
  if (choices === null) return message;
  const [, name = '', given = '', allowed = ''] = choices;
  const dashes = words.some((word) => word.replace(/=.*$/, '') === `--${name}`) ? '--' : '';
  return `${dashes}${name}: expected ${allowed.replaceAll('"', '').replaceAll(', ', ' or ')}, got ${given}`;
}
