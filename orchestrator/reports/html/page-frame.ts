/** What all pages have: one file that needs nothing beside it, and runs nothing. */
import { withoutConstants } from '../constant-columns.js';
import type { Table } from '../tables.js';
import { html, joined, Markup } from './markup.js';
import { STYLE } from './style.js';

export interface Section {
  readonly id: string;
  readonly title: string;
  /** Empty: the section is left out. */
  readonly body: readonly Markup[];
}

export interface FramedPage {
  readonly title: string;
  readonly heading: string;
  readonly lead: string;
  /** First of all. */
  readonly answer: readonly string[];
  readonly sections: readonly Section[];
}

export function framedPage({ title, heading, lead, answer, sections: all }: FramedPage): string {
  const sections = all.filter(({ body }) => body.length > 0);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>${heading}</h1>
<p class="quiet">${lead}</p>
</header>
<main>
<section class="answer" aria-label="The answer">${joined(answer.map((text) => html`<p>${text}</p>`))}</section>
<nav aria-label="Sections"><ul>${joined(sections.map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`))}</ul></nav>
${joined(sections.map(({ id, title: name, body }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${name}</h2>${joined(body)}</section>`))}
</main>
</body>
</html>
`.text;
}

/** What stands between backticks is code, as in Markdown. */
export function note(text: string): Markup {
  const parts = text.split('`').map((part, place) => (place % 2 === 1 ? html`<code>${part}</code>` : part));
  return html`<p class="quiet">${parts}</p>`;
}

/** `lead` may be empty. */
export function list(lines: readonly string[], lead: string): readonly Markup[] {
  if (lines.length === 0) return [];
  return [...(lead === '' ? [] : [note(lead)]), html`<ul>${joined(lines.map((line) => html`<li>${line}</li>`))}</ul>`];
}

/** Shown when somebody wants it, and on paper; none without a body. */
export function folded(summary: string, body: readonly Markup[]): readonly Markup[] {
  return body.length === 0 ? [] : [html`<details><summary>${summary}</summary>${joined(body)}</details>`];
}

/** A wider column of words is broken into lines. */
const WIDE = 28;

/** None without rows. @param settings columns that are said once where all rows have the same in them */
export function table(whole: Table, title: string, settings: readonly string[] = []): readonly Markup[] {
  const { table: narrow, common } = withoutConstants(whole, settings);
  const { columns, rows } = narrow;
  if (rows.length === 0) return [];
  const caption = common === '' ? title : `${title}. In all rows: ${common}`;
  const classes = columns.map(({ align }, place) => {
    if (align === 'right') return 'right';
    return rows.some((cells) => (cells[place]?.length ?? 0) > WIDE) ? 'words' : '';
  });
  const classOf = (place: number) => classes[place] ?? '';
  const head = columns.map(({ title: name }, place) => html`<th scope="col" class="${classOf(place)}">${name}</th>`);
  const body = rows.map(
    (cells) => html`<tr>${joined(cells.map((cell, place) => html`<td class="${classOf(place)}">${cell}</td>`))}</tr>`,
  );
  return [
    html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table><caption><span>${caption}</span></caption>
<thead><tr>${joined(head)}</tr></thead>
<tbody>${joined(body)}</tbody></table></div>`,
  ];
}
