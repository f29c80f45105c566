/** Finds a model directory and fingerprints what training reads of it. */
import { existsSync, statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import type { SourceFile, SourceFileRole } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import type { ModelFacts } from '../core/sweep/source-facts.js';
import { readSafetensorsHeader } from './safetensors-header.js';
import { problemOf, type SourceContext } from './source-context.js';

/** Either holds the vocabulary; one must be there. */
const VOCABULARIES = ['spiece.model', 'tokenizer.json'] as const;
/** The rest of a tokenizer, where it has one. */
const TOKENIZER_SETTINGS = ['tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'] as const;
const WEIGHTS = 'model.safetensors';
const WEIGHTS_INDEX = 'model.safetensors.index.json';
const PICKLED = /^(pytorch_model.*\.bin|.*\.(pt|pth|ckpt|pkl))$/;

/** transformers' T5Config. */
const DEFAULT_DROPOUT = 0.1;
const MAX_JSON_BYTES = 16 * 1024 * 1024;

const Config = z.object({
  model_type: z.literal('t5', { error: ({ input }) => `expected "model_type": "t5", got ${JSON.stringify(input)}` }),
  dropout_rate: z
    .number('expected a number for dropout_rate')
    .min(0, 'expected a dropout_rate from 0')
    .lt(1, 'expected a dropout_rate below 1')
    .default(DEFAULT_DROPOUT),
});

const WeightsIndex = z.object({ weight_map: z.record(z.string(), z.string()) });

/** A hub name as `organisation/name`; names without one are too easily a slip in a path. */
const HUB_NAME = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;

export type ModelPlace =
  | { readonly kind: 'directory'; readonly directory: string }
  | { readonly kind: 'hub'; readonly name: string }
  | { readonly kind: 'none'; readonly directory: string };

/** @param specDirectory where relative paths start: the folder of the sweep file */
export function placeOfModel(name: string, specDirectory: string): ModelPlace {
  const directory = resolve(specDirectory, name);
  if (existsSync(directory)) return { kind: 'directory', directory };
  return HUB_NAME.test(name) ? { kind: 'hub', name } : { kind: 'none', directory };
}

/** @param remoteWeights of a hub model, known by their hashes and not on disk yet */
export async function readModel(
  directory: string,
  context: SourceContext,
  remoteWeights: readonly SourceFile[] = [],
): Promise<ModelFacts> {
  try {
    if (!statSync(directory).isDirectory())
      throw invalid(directory, 'it is a file', 'name the directory that holds it');
    const { dropout_rate: dropout } = await readConfig(directory);
    const files = await hashAll(directory, [['config.json', 'config'], ...tokenizerFiles(directory)], context);
    const model = { source: { directory, files }, dropout, problem: null };
    try {
      const weights = remoteWeights.length > 0 ? remoteWeights : await readWeights(directory, context);
      return { ...model, weights, weightsProblem: null };
    } catch (reason) {
      return { ...model, weights: [], weightsProblem: asProblem(reason, directory, context) };
    }
  } catch (reason) {
    return unreadableModel(directory, asProblem(reason, directory, context));
  }
}

export function unreadableModel(directory: string, problem: ModelFacts['problem']): ModelFacts {
  return { source: { directory, files: [] }, weights: [], dropout: DEFAULT_DROPOUT, problem, weightsProblem: null };
}

export function missingModel(name: string, directory: string): ModelFacts {
  const error = new SweepError('MODEL_MISSING', `there is no model directory ${directory}`, {
    hint: `that is where "${name}" leads, from the sweep file's folder or, in \`dss run\`, from here; a model of the hub is written organisation/name`,
  });
  return unreadableModel(directory, problemOf(error));
}

async function readConfig(directory: string): Promise<z.infer<typeof Config>> {
  const config = await readJson(directory, 'config.json', Config);
  if (config === null) {
    throw invalid(directory, 'it has no config.json', 'a model directory holds config.json, tokenizer and weights');
  }
  return config;
}

function tokenizerFiles(directory: string): readonly [string, SourceFileRole][] {
  const present = (names: readonly string[]) => names.filter((name) => existsSync(join(directory, name)));
  if (present(VOCABULARIES).length === 0) {
    throw invalid(
      directory,
      `it has neither ${VOCABULARIES.join(' nor ')}`,
      "copy the tokenizer's files beside config.json",
    );
  }
  return present([...VOCABULARIES, ...TOKENIZER_SETTINGS]).map((name) => [name, 'tokenizer']);
}

/** Only safetensors: reading a pickle can run whatever its author wrote into it. */
async function readWeights(directory: string, context: SourceContext): Promise<readonly SourceFile[]> {
  if (existsSync(join(directory, WEIGHTS))) {
    await mustBeWhole(directory, WEIGHTS);
    return hashAll(directory, [[WEIGHTS, 'weights']], context);
  }
  const index = await readJson(directory, WEIGHTS_INDEX, WeightsIndex);
  if (index === null) throw await withoutWeights(directory);
  const shards = [...new Set(Object.values(index.weight_map))].sort();
  const outside = shards.find((shard) => shard !== basename(shard) || !shard.endsWith('.safetensors'));
  if (outside !== undefined)
    throw invalid(directory, `${WEIGHTS_INDEX} names ${JSON.stringify(outside)}, which is no file beside it`);
  const missing = shards.find((shard) => !existsSync(join(directory, shard)));
  if (missing !== undefined) {
    throw invalid(directory, `${WEIGHTS_INDEX} names ${missing}, which is not there`, 'copy all parts of the weights');
  }
  for (const shard of shards) await mustBeWhole(directory, shard);
  return hashAll(
    directory,
    [WEIGHTS_INDEX, ...shards].map((path) => [path, 'weights']),
    context,
  );
}

/** A copy that was cut short would else be found by each trial, after its start. */
async function mustBeWhole(directory: string, name: string): Promise<void> {
  const path = join(directory, name);
  const { size } = await stat(path);
  const header = await readSafetensorsHeader(path);
  if (header?.sizeBytes === size) return;
  const why =
    header === null
      ? `${name} has ${size} bytes, and is no safetensors file or cut short within its header`
      : `${name} has ${size} bytes, and ${header.sizeBytes} by its header`;
  throw invalid(directory, why, `copy or fetch ${name} again`);
}

async function withoutWeights(directory: string): Promise<SweepError> {
  const pickled = (await readdir(directory)).filter((name) => PICKLED.test(name)).sort();
  if (pickled.length > 0) {
    return invalid(
      directory,
      `its weights are pickled only (${pickled.slice(0, 3).join(', ')}), and reading a pickle can run code`,
      `if you trust their makers, \`dss models import ${directory}\` converts them once`,
    );
  }
  return invalid(
    directory,
    `it has no weights (${WEIGHTS})`,
    'put them there, or train from scratch with `init: random`',
  );
}

async function hashAll(
  directory: string,
  files: readonly (readonly [string, SourceFileRole])[],
  { hashes, signal }: SourceContext,
): Promise<readonly SourceFile[]> {
  const hashed: SourceFile[] = [];
  for (const [path, role] of files) hashed.push(await hashes.sourceFile(directory, path, role, signal));
  return hashed;
}

/** `null` when there is no such file. */
async function readJson<T>(directory: string, name: string, schema: z.ZodType<T>): Promise<T | null> {
  const path = join(directory, name);
  if (!existsSync(path)) return null;
  if ((await stat(path)).size > MAX_JSON_BYTES)
    throw invalid(directory, `${name} is larger than ${MAX_JSON_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw invalid(directory, `${name} is not JSON: ${(cause as Error).message}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(directory, `${name}: ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
}

function invalid(directory: string, why: string, hint = ''): SweepError {
  return new SweepError('MODEL_INVALID', `${directory} is no model that can be trained: ${why}`, { hint });
}

function asProblem(reason: unknown, directory: string, { signal }: SourceContext): NonNullable<ModelFacts['problem']> {
  signal?.throwIfAborted();
  return problemOf(reason instanceof SweepError ? reason : invalid(directory, SweepError.from(reason).message));
}
