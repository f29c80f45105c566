/**
 * The font of figures in PDF: Arimo, as wide as Helvetica. It is embedded, since publishers refuse files that rest on the
 * fonts of whoever reads them, as those with the standard fonts of PDF do.
 */
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { signNumber } from '../sign-number.js';

export function pdfFont(): Uint8Array {
  const file = import.meta.resolve('@fontsource/arimo/files/arimo-latin-400-normal.woff');
  return openTypeOf(readFileSync(new URL(file)));
}

/** Of the font's signs those that names, numbers and titles are made of. */
const DRAWN = /^[ -~\u00a0-\u00ff\u0152\u0153\u2013\u2014\u2018-\u201e\u2022\u2026\u20ac\u2122\u2212]$/;

/** What the font does not have is named by its number, and not left out. */
export function drawnText(text: string): string {
  return text.normalize('NFC').replace(/[\s\S]/gu, (sign) => (DRAWN.test(sign) ? sign : signNumber(sign)));
}

/** As WOFF has them: https://www.w3.org/TR/WOFF/ */
const WOFF_HEADER = 44;
const WOFF_ENTRY = 20;
const HEADER = 12;
const ENTRY = 16;

/**
 * The font that a WOFF file holds, whose tables are compressed each by itself. pdfkit takes such a file too, and inflates
 * a table again for each letter: a figure took a second.
 */
function openTypeOf(woff: Buffer): Uint8Array {
  const count = woff.readUInt16BE(12);
  const head = Buffer.alloc(HEADER + ENTRY * count);
  woff.copy(head, 0, 4, 8);
  head.writeUInt16BE(count, 4);
  const power = Math.floor(Math.log2(count));
  head.writeUInt16BE(ENTRY * 2 ** power, 6);
  head.writeUInt16BE(power, 8);
  head.writeUInt16BE(ENTRY * (count - 2 ** power), 10);
  const tables: Buffer[] = [];
  let offset = head.length;
  for (let place = 0; place < count; place += 1) {
    const entry = WOFF_HEADER + WOFF_ENTRY * place;
    const [from, packed, length] = [4, 8, 12].map((field) => woff.readUInt32BE(entry + field)) as [
      number,
      number,
      number,
    ];
    const bytes = woff.subarray(from, from + packed);
    const table = Buffer.alloc(Math.ceil(length / 4) * 4);
    (packed < length ? inflateSync(bytes) : bytes).copy(table);
    const to = HEADER + ENTRY * place;
    woff.copy(head, to, entry, entry + 4); // its tag
    woff.copy(head, to + 4, entry + 16, entry + 20); // its checksum
    head.writeUInt32BE(offset, to + 8);
    head.writeUInt32BE(length, to + 12);
    tables.push(table);
    offset += table.length;
  }
  return Buffer.concat([head, ...tables]);
}
