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
  const named = Object.fromEntries(choices.map((choice, index) => [`choices[${index}]`, choice]));
  return (
    Object.keys(named).reduce<string | null>((wrong, name) => wrong ?? textIn(named, name), textIn(row, 'question')) ??
    textIn(row, 'answer')
  );
};

const svamp: RowCheck = (row) => textIn(row, 'input') ?? textIn(row, 'label');

/** The release's datasets by name. */
export const RELEASE_ROWS: ReadonlyMap<string, RowCheck> = new Map([
  ['esnli', nli],
  ['anli1', nli],
  ['cqa', cqa],
  ['svamp', svamp],
]);

/** Names in the file of what a row of layout `folder` holds. */
export interface FolderFields {
  readonly input: string;
  readonly label: string;
  readonly rationale: string;
  readonly llm_label: string;
}

/** @param template of the input, a text with {name in the file} placeholders; without one the input is its field */
export function folderRow({ input, label }: FolderFields, template: string | undefined): RowCheck {
  const read = template === undefined ? [input] : [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name ?? '');
  return (row) => [...read, label].reduce<string | null>((wrong, name) => wrong ?? textIn(row, name), null);
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
