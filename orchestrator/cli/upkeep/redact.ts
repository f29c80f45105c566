/** Takes out of a text what must not leave the machine: secrets by their looks, and the names of machine and person. */
import { homedir, hostname, userInfo } from 'node:os';

type Rule = readonly [RegExp, string];

const NAME = String.raw`[\w-]*(?:token|secret|password|passwd|passphrase|api[_-]?key|access[_-]?key|credential)[\w-]*`;
/** In quotation marks, which may hold spaces, or up to the next mark or space. */
const VALUE = String.raw`(?:"[^"\n]*"|'[^'\n]*'|[^\s"',}]+)`;

/** The longest ones first: a certificate holds what looks like tokens. */
const SECRETS: readonly Rule[] = [
  [/-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g, '<pem>'],
  [
    /\b(authorization|proxy-authorization|cookie|x-api-key)(["']?\s*[:=]\s*)["']?[^\s"',}]+(?:\s+[^\s"',}]+)?/gi,
    '$1$2<secret>',
  ],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/g, '$1 <secret>'],
  [new RegExp(String.raw`\b(${NAME})(["']?\s*[:=]\s*)${VALUE}`, 'gi'), '$1$2<secret>'],
  [new RegExp(String.raw`(--${NAME})\s+${VALUE}`, 'gi'), '$1 <secret>'],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, '$1<secret>@'],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s"'?]+)\?[^\s"']+/gi, '$1?<query>'],
  [/\bhttps:\/\/(?:hooks?\.|[^\s"']*webhook)[^\s"']*/gi, '<webhook>'],
  [
    /\b(?:hf_|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abps]-|sk-|AKIA|ASIA|AIza|ya29\.|npm_|pypi-)[\w.-]{8,}/g,
    '<secret>',
  ],
  [/\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*/g, '<secret>'],
  // 32 random bytes in base64url, as our own tokens are; hashes in hexadecimal are none.
  [/(?<![\w-])(?![0-9a-f]{43}(?![\w-]))[A-Za-z0-9_-]{43}(?![\w-])/g, '<secret>'],
];

export interface Names {
  readonly home: string;
  readonly user: string;
  readonly host: string;
  /** The state folder. */
  readonly state: string;
}

export function namesHere(state: string): Names {
  return { home: homedir(), user: userInfo().username, host: hostname(), state };
}

/** Of every text in a value, also within texts that are JSON themselves, as lines of the log are. */
export function redactAll(value: unknown, names: Names): unknown {
  if (typeof value === 'string') return redactLine(value, names);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => redactAll(each, names));
  const fields = Object.entries(value).map(([name, field]): [string, unknown] => [
    redact(name, names),
    IS_SECRET.test(name) && typeof field === 'string' ? '<secret>' : redactAll(field, names),
  ]);
  return Object.fromEntries(fields);
}

const IS_SECRET = new RegExp(`^(?:${NAME}|authorization|cookie)$`, 'i');

function redactLine(line: string, names: Names): string {
  if (!line.startsWith('{')) return redact(line, names);
  try {
    return JSON.stringify(redactAll(JSON.parse(line), names));
  } catch {
    return redact(line, names);
  }
}

export function redact(text: string, names: Names): string {
  const hidden = SECRETS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text);
  const known: readonly (readonly [string, string])[] = [
    [names.state, '<state>'],
    [names.home, '~'],
    [names.host, '<host>'],
    [names.user, '<user>'],
  ];
  return known.reduce((rest, [name, instead]) => (name.length < 3 ? rest : rest.replaceAll(name, instead)), hidden);
}
