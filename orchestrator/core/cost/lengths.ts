/** How many tokens a dataset's texts have: what memory and time follow from. */
import type { TrialSettings } from '../domain.js';

export interface Spread {
  readonly mean: number;
  readonly sd: number;
}

export interface TokenLengths {
  readonly input: Spread;
  readonly label: Spread;
  readonly rationale: Spread;
  /** `table`: measured once with T5's tokenizer. `characters`: this many characters of the rows, divided. */
  readonly source: 'table' | 'characters';
}

export interface KnownDataset {
  readonly lengths: TokenLengths;
  readonly trainRows: number;
  /** `null`: a tenth of the training rows is split off. */
  readonly validRows: number | null;
  readonly testRows: number;
}

/** The largest of 64 draws from a normal distribution lies so many standard deviations above the mean. */
const LARGEST_OF_64 = 2.4;

/**
 * From the mean, and from how much longer the longest of 64 random rows is: what padding showed. Texts are longer at
 * one side, so the spread is one that gives the right longest row, not the rows' own.
 */
function spread(mean: number, padding: number): Spread {
  return { mean, sd: (mean * (padding - 1)) / LARGEST_OF_64 };
}

function known(
  input: Spread,
  label: number,
  rationale: Spread,
  rows: Pick<KnownDataset, 'trainRows' | 'validRows' | 'testRows'>,
): KnownDataset {
  return { lengths: { input, label: { mean: label, sd: label / 4 }, rationale, source: 'table' }, ...rows };
}

/**
 * The release's datasets, in tokens of T5 with padding in random batches of 64; svamp and cqa measured on their
 * training splits, anli1 on valid, esnli on test.
 */
export const KNOWN_DATASETS: ReadonlyMap<string, KnownDataset> = new Map([
  ['cqa', known(spread(47, 1.5), 3, spread(30, 1.51), { trainRows: 9_741, validRows: null, testRows: 1_221 })],
  ['svamp', known(spread(42, 1.69), 13, spread(42, 2.59), { trainRows: 800, validRows: null, testRows: 200 })],
  ['esnli', known(spread(32, 1.79), 3, spread(14, 2.54), { trainRows: 549_367, validRows: 9_842, testRows: 9_824 })],
  ['anli1', known(spread(106, 1.49), 3, spread(28, 2.65), { trainRows: 16_946, validRows: 1_000, testRows: 1_000 })],
]);

/** English with T5's vocabulary; other texts and other vocabularies have fewer. */
const CHARACTERS_PER_TOKEN = 4;

/** @param characters of each row; empty where it has none */
export function lengthsOfCharacters(characters: Readonly<Record<'input' | 'label' | 'rationale', readonly number[]>>) {
  const of = (values: readonly number[]): Spread => {
    // And the end of the sequence.
    const tokens = values.map((value) => value / CHARACTERS_PER_TOKEN + 1);
    if (tokens.length === 0) return { mean: 0, sd: 0 };
    const mean = tokens.reduce((sum, value) => sum + value, 0) / tokens.length;
    const squares = tokens.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { mean, sd: Math.sqrt(squares / tokens.length) };
  };
  const { input, label, rationale } = characters;
  return {
    input: of(input),
    label: of(label),
    rationale: of(rationale),
    source: 'characters',
  } satisfies TokenLengths;
}

/** One pair of input and target that is trained for a row. */
export interface Pair {
  readonly input: Spread;
  readonly target: Spread;
}

/** Targets are cut at this. */
const MAX_TARGET = 256;
/** ` So the answer is `, between a rationale and its label. */
const MARKER = 5;

/** What a step trains for each of its rows. */
export function pairsOf(
  lengths: TokenLengths,
  { model_type, alpha, max_input_length }: Pick<TrialSettings, 'model_type' | 'alpha' | 'max_input_length'>,
): readonly Pair[] {
  const input = cut(lengths.input, max_input_length);
  const toLabel = { input, target: cut(lengths.label, MAX_TARGET) };
  const toRationale = { input, target: cut(lengths.rationale, MAX_TARGET) };
  if (model_type === 'standard' || alpha === 1) return [toLabel];
  if (model_type === 'task_prefix') return alpha === 0 ? [toRationale] : [toLabel, toRationale];
  const { mean, sd } = lengths.rationale;
  return [{ input, target: cut({ mean: mean + MARKER + lengths.label.mean, sd }, MAX_TARGET) }];
}

function cut({ mean, sd }: Spread, most: number): Spread {
  return mean >= most ? { mean: most, sd: 0 } : { mean, sd: Math.min(sd, most - mean) };
}

/** Of one row over its pairs: tokens, and pairs of tokens of which one attends to the other. */
export interface RowWork {
  readonly tokens: Spread;
  readonly cells: Spread;
}

/** @param times how often what the encoder and the decoder have of it counts: in each of their layers, say */
export function rowWork(pairs: readonly Pair[], times = { encoder: 1, decoder: 1 }): RowWork {
  const { encoder, decoder } = times;
  let [tokens, targetVariance, cells] = [0, 0, 0];
  for (const { input, target } of pairs) {
    tokens += encoder * input.mean + decoder * target.mean;
    targetVariance += (decoder * target.sd) ** 2;
    cells += encoder * square(input) + decoder * (square(target) + input.mean * target.mean);
  }
  // Pairs of a row have the same input, so that their lengths grow together.
  const inputSd = pairs.reduce((sum, { input }) => sum + encoder * input.sd, 0);
  const sd = Math.sqrt(inputSd ** 2 + targetVariance);
  return {
    tokens: { mean: tokens, sd },
    // Cells grow as the square of the tokens.
    cells: { mean: cells, sd: tokens === 0 ? 0 : (2 * cells * sd) / tokens },
  };
}

/** Mean of the squares. */
export function square({ mean, sd }: Spread): number {
  return mean ** 2 + sd ** 2;
}
