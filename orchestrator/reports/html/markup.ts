/** Text that becomes HTML or SVG. */

/** Markup, made of parts that are known to be so; a plain string never becomes one by accident. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | readonly (Markup | string | number)[];

/** What is put in is escaped, unless it is markup. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    texts.reduce((made, text, place) => made + text + (place < parts.length ? textOf(parts[place] as Part) : ''), ''),
  );
}

export function joined(parts: Iterable<Markup>): Markup {
  return new Markup([...parts].map(({ text }) => text).join('\n'));
}

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (Array.isArray(part)) return part.map((each: Part) => textOf(each)).join('');
  return escaped(String(part));
}

const NAMES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => NAMES[sign] as string);
}
