/** Any text as LaTeX that pdflatex sets with no package: names are data, and none of their signs is a command. */
import { signNumber } from '../sign-number.js';

const SIGNS: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  $: '\\$',
  '&': '\\&',
  '%': '\\%',
  '#': '\\#',
  _: '\\_',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  // In the old encoding of fonts, which is the default, these are other signs or ligatures.
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': '{\\ttfamily\\char34}',
  "'": '\\textquotesingle{}',
  '`': '\\textasciigrave{}',
  '±': '$\\pm$',
  '−': '$-$',
  '×': '$\\times$',
  '–': '--',
  '—': '---',
  '…': '\\dots{}',
  '·': '$\\cdot$',
  '≥': '$\\geq$',
  '≤': '$\\leq$',
  α: '$\\alpha$',
  ß: '\\ss{}',
  ø: '\\o{}',
  Ø: '\\O{}',
  æ: '\\ae{}',
  Æ: '\\AE{}',
  ł: '\\l{}',
  Ł: '\\L{}',
};

/** Marks over or under the letter before them. */
const ACCENTS: Readonly<Record<string, string>> = {
  '\u0300': '\\`',
  '\u0301': "\\'",
  '\u0302': '\\^',
  '\u0303': '\\~',
  '\u0304': '\\=',
  '\u0306': '\\u',
  '\u0307': '\\.',
  '\u0308': '\\"',
  '\u030a': '\\r',
  '\u030b': '\\H',
  '\u030c': '\\v',
  '\u0327': '\\c',
};

/** What LaTeX's own fonts do not have is named by its number, and not left out. */
export function escapeLatex(text: string): string {
  return text.normalize('NFC').replace(/[\s\S]/gu, escapeSign);
}

function escapeSign(sign: string, place: number, text: string): string {
  // Two hyphens would become a dash.
  if (sign === '-') return text[place + 1] === '-' ? '-{}' : '-';
  const known = SIGNS[sign];
  if (known !== undefined) return known;
  if (/^[ -~]$/.test(sign)) return sign;
  const [base = '', accent = '', ...others] = sign.normalize('NFD');
  const command = ACCENTS[accent];
  if (command !== undefined && others.length === 0 && /^[A-Za-z]$/.test(base)) return `${command}{${base}}`;
  return signNumber(sign);
}
