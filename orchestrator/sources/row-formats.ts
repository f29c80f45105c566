/** What a row of each kind of file must hold. worker-python/dss_worker/data/formats.py reads them by the same rules. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** What is wrong with a row, "expected …, got …"; `null`: nothing. */
export type RowCheck = (row: JsonObject) => string | null;

const CHOICES = 5;
const NLI_LABELS: readonly unknown[] = [0, 1, 2, 'entailment', 'neutral', 'contradiction'];

const nli: RowCheck = (row) => {
  const label = NLI_LABELS.includes(row['label'])
    ? null
    : `expected 0, 1, 2 or one of entailment, neutral, contradiction in "label", got ${described(row['label'])}`;
  return textIn(row, 'premise') ?? textIn(row, 'hypothesis') ?? label;
};

const cqa: RowCheck = (row) => {
  const choices = row['choices'];
  if (!Array.isArray(choices) || choices.length !== CHOICES) {
    return `expected ${CHOICES} texts in "choices", got ${described(choices)}`;
  }
  return textsIn(row, 'choices') ?? textIn(row, 'question') ?? textIn(row, 'answer');
};

const asdiv: RowCheck = (row) => {
  const answer = row['Answer'];
  return (
    textIn(row, 'Answer') ??
    (typeof answer === 'string' && answer.trim() === ''
      ? `expected a number in "Answer", got ${described(answer)}`
      : null) ??
    textIn(row, 'Body') ??
    textIn(row, 'Question')
  );
};

const svamp: RowCheck = (row) => textIn(row, 'input') ?? textIn(row, 'label');

/** The release's datasets by name. */
export const RELEASE_ROWS: ReadonlyMap<string, RowCheck> = new Map([
  ['esnli', nli],
  ['anli1', nli],
  ['cqa', cqa],
  ['svamp', svamp],
  ['asdiv', asdiv],
]);

/** Names in the file of what a row of layout `folder` holds. */
export interface FolderFields {
  readonly input: string;
  readonly label: string;
  /** Of the row's allowed answers; absent: no row names any. */
  readonly choices?: string;
}

/**
 * @param template of the input, a text with {name in the file} placeholders; without one the input is its field
 * @param choices of every row; absent: the row's answers are not looked at
 */
export function folderRow(
  { input, label, choices: field }: FolderFields,
  template: string | undefined,
  choices?: readonly string[],
): RowCheck {
  const inputs =
    template === undefined ? [input] : [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name ?? '');
  const isAllowed = choices === undefined ? () => null : allowedLabel(label, field, choices);
  return (row) =>
    [...inputs, label].reduce<string | null>((wrong, name) => wrong ?? textIn(row, name), null) ?? isAllowed(row);
}

/** @param field of the row's own answers; absent: `choices` are those of every row, and none are all */
function allowedLabel(label: string, field: string | undefined, choices: readonly string[]): RowCheck {
  return (row) => {
    const wrong = field === undefined ? null : textsIn(row, field);
    if (wrong !== null) return wrong;
    const allowed: readonly unknown[] = field === undefined ? choices : (row[field] as readonly unknown[]);
    return allowed.length === 0 || allowed.includes(row[label])
      ? null
      : `expected one of ${allowed.join(', ')} in "${label}", got ${described(row[label])}`;
  };
}

/** A list of texts, one at least. */
function textsIn(row: JsonObject, name: string): string | null {
  const values: unknown = Object.hasOwn(row, name) ? row[name] : null;
  if (!Array.isArray(values) || values.length === 0) return `expected texts in "${name}", got ${described(values)}`;
  const named = Object.fromEntries(values.map((value, index) => [`${name}[${index}]`, value]));
  return Object.keys(named).reduce<string | null>((wrong, each) => wrong ?? textIn(named, each), null);
}

export function textIn(row: JsonObject, name: string): string | null {
  if (!Object.hasOwn(row, name)) {
    const names = Object.keys(row).sort().slice(0, 8).join(', ');
    return `expected a field "${name}", got only ${names || 'an empty object'}`;
  }
  const value = row[name];
  if (typeof value !== 'string') return `expected a text in "${name}", got ${described(value)}`;
  return isWellFormed(value) ? null : `expected a text in "${name}", got half of a surrogate pair`;
}

/** JSON can write half of a pair; no tokenizer reads it. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

export function described(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
