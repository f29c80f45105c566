/** Where the release keeps a dataset's files, below the datasets root. */

export const SPLITS = ['train', 'valid', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** The others have their valid rows split off the training rows. */
const WITH_VALID_FILE: readonly string[] = ['esnli', 'anli1'];

/** Labels are arithmetic expressions, compared by value. */
const EQUATIONS: readonly string[] = ['svamp', 'asdiv'];

/** Datasets that are made of others: trained on all of these, one after the other, and tested on the first. */
const PARTS: ReadonlyMap<string, readonly string[]> = new Map([['asdiv', ['svamp', 'asdiv']]]);

export function hasEquations(name: string): boolean {
  return EQUATIONS.includes(name);
}

/** In the order of their rows; most datasets are one part, themselves. */
export function partsOf(name: string): readonly string[] {
  return PARTS.get(name) ?? [name];
}

/** Whether the release has this split of a dataset's; training needs train and test anyway. */
export function hasSplit(name: string, split: Split): boolean {
  return split !== 'valid' || WITH_VALID_FILE.includes(name);
}

export function splitPath(name: string, split: Split): string {
  return `${name}/${name}_${split}.json`;
}
