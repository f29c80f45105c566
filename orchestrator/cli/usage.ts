/** Mistakes on the command line, with what was probably meant. */
import { closest } from '../core/closest.js';
import { SweepError } from '../core/errors.js';
import { meantByOthers } from '../core/other-names.js';
import { commandForFlag, commandMeant } from './other-tools.js';
import type { ParserState } from './parser-state.js';

/** `message` is yargs', said again so that it names what was typed. */
export function usageError(message: string, words: readonly string[], parser: ParserState): SweepError {
  const { path, flags, commands } = parser;
  const usage = (text: string, meant = '') => {
    const help = `see \`${['dss', ...path, '--help'].join(' ')}\``;
    return new SweepError('USAGE', text, {
      hint: meant === '' ? help : `${meant}${meant.endsWith('?') ? '' : ';'} ${help}`,
    });
  };

  const unknown = /^Unknown (?:arguments?|commands?): ([^,]+)/.exec(message)?.[1];
  const command = words.find((word) => !word.startsWith('-') && !path.includes(word));
  if (command !== undefined && command === unknown && commands.length > 0) {
    const elsewhere = path.length === 0 ? commandMeant(command) : null;
    const near = closest(command, commands);
    const meant = elsewhere === null ? near : `\`${elsewhere}\``;
    const name = [...path, command].join(' ');
    return usage(`there is no command "${name}"`, meant === null ? '' : `did you mean ${meant}?`);
  }
  // Before what is missing: a flag that is not one may have swallowed it.
  const flag = unknownFlag(words, flags);
  if (flag !== undefined) {
    return usage(`there is no flag ${flag.length === 1 ? '-' : '--'}${flag}`, flagMeant(flag, flags));
  }
  if (unknown !== undefined) return usage(`"${unknown}" is one word too many`);
  return usage(inOurWords(message, words, parser));
}

function flagMeant(flag: string, flags: readonly string[]): string {
  const command = commandForFlag(flag);
  if (command !== null) return `did you mean \`${command}\`?`;
  const near = closest(flag, flags);
  return meantByOthers(flag, flags, '--') ?? (near === null ? '' : `did you mean --${near}?`);
}

/** The parser makes NaN of what is no number, and forgets what it was. */
export function refuseNoNumbers(args: Readonly<Record<string, unknown>>, words: readonly string[]): void {
  for (const [place, word] of words.entries()) {
    const [, flag = '', value = words[place + 1]] = /^--([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    if (Number.isNaN(args[flag])) throw new SweepError('USAGE', `--${flag}: expected a number, got ${shown(value)}`);
  }
}

function shown(value: string | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function unknownFlag(words: readonly string[], known: readonly string[]): string | undefined {
  const end = words.indexOf('--');
  return words
    .slice(0, end < 0 ? words.length : end)
    .map((word) => /^(?:--(?=[a-z])|-(?=[a-z](?:=|$)))([^=]*)/i.exec(word)?.[1])
    .find((name) => name !== undefined && name !== '' && !known.includes(name));
}

function inOurWords(message: string, words: readonly string[], { usage }: ParserState): string {
  const count = /^Not enough non-option arguments: got (\d+)/.exec(message)?.[1];
  if (count !== undefined) {
    const [name = 'one'] = usage.match(/<[^>]+>/g)?.slice(Number(count)) ?? [];
    return `an argument is missing: ${name.replace('..', '')}`;
  }
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
