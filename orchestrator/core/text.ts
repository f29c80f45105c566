/** Text of others, made safe to show, and lists of it. */

// Control characters, and the marks that change the direction of what follows: a file or a model may hold
// either, and a terminal would obey.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Keeps line feeds, since they order lines of ours too; everything else that steers a terminal is spelt out. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (mark) => {
    if (mark === '\t') return '  ';
    return `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

export function oneLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n');
}

/** Nobody reads a hundred seeds. */
const LISTED = 5;

/** `0, 1 and 2`; of many the first and how many more. */
export function shortList(words: readonly string[]): string {
  if (words.length > LISTED)
    return `${words.slice(0, LISTED).join(', ')} and ${(words.length - LISTED).toLocaleString('en')} more`;
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
