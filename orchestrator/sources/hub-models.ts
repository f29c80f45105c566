/**
 * Models by hub name. Python's huggingface_hub knows the hub and its cache on disk; it is asked once for all names,
 * and never for weights while planning: the hub says their hashes.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import type { SourceFile } from '../core/domain.js';
import { type ErrorCode, EXIT_STATUS } from '../core/errors.js';
import type { ModelFacts, Problem } from '../core/sweep/source-facts.js';
import { readModel, unreadableModel } from './model-source.js';
import type { SourceContext } from './source-context.js';

/** Puts a request to `python -m dss_worker.data.resolve_model`. */
export type AskHub = (request: HubRequest, signal?: AbortSignal) => Promise<unknown>;

export interface HubRequest {
  readonly models: readonly { readonly name: string; readonly weights: boolean }[];
  /** Fetch the weights too. */
  readonly download: boolean;
}

const ProblemValue = z.object({
  code: z.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(EXIT_STATUS, code)),
  message: z.string(),
  hint: z.string(),
});

const Answer = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      /** Of the cache, with config and tokenizer in it. */
      directory: z.string(),
      revision: z.string(),
      /** All of them, by the hub's word, when some are not on disk yet; else none. */
      weights: z.array(
        z.object({ path: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/), size_bytes: z.number() }),
      ),
      missing_bytes: z.number(),
      problem: ProblemValue.nullable(),
      weights_problem: ProblemValue.nullable(),
    }),
  ),
});

/** Weights that a plan needs and the machine lacks. */
export interface MissingWeights {
  readonly name: string;
  readonly bytes: number;
}

export interface HubModels {
  readonly models: ReadonlyMap<string, ModelFacts>;
  readonly missing: readonly MissingWeights[];
}

/**
 * @param wanted names, and whether some trial reads the weights
 * @param specDirectory where a directory of the same name would be found first
 */
export async function readHubModels(
  wanted: ReadonlyMap<string, boolean>,
  { askHub, specDirectory }: { readonly askHub: AskHub; readonly specDirectory: string },
  context: SourceContext,
): Promise<HubModels> {
  const models = new Map<string, ModelFacts>();
  const missing: MissingWeights[] = [];
  if (wanted.size === 0) return { models, missing };
  const request = { models: [...wanted].map(([name, weights]) => ({ name, weights })), download: false };
  const answer = Answer.parse(await askHub(request, context.signal));
  for (const {
    name,
    directory,
    weights,
    missing_bytes: bytes,
    problem,
    weights_problem: weightsProblem,
  } of answer.models) {
    if (problem !== null) {
      models.set(name, unreadableModel(directory, withPlace(problem, name, specDirectory)));
      continue;
    }
    const remote = weights.map(
      ({ path, sha256, size_bytes: sizeBytes }): SourceFile => ({ path, sha256, sizeBytes, role: 'weights' }),
    );
    const facts = await readModel(directory, context, remote);
    models.set(
      name,
      weightsProblem === null ? facts : { ...facts, weightsProblem: withPlace(weightsProblem, name, specDirectory) },
    );
    if (bytes > 0) missing.push({ name, bytes });
  }
  return { models, missing };
}

/** Says where the files may be put so that the sweep file can stay as it is. */
function withPlace(problem: Problem, name: string, specDirectory: string): Problem {
  if (problem.code !== 'MODEL_MISSING') return problem;
  const place = resolve(specDirectory, name);
  return { ...problem, hint: `put config.json, the tokenizer's files and model.safetensors in ${place}` };
}

/** Fetches weights that a plan lacks, before its trials run. */
export async function downloadWeights(
  missing: readonly MissingWeights[],
  askHub: AskHub,
  signal?: AbortSignal,
): Promise<void> {
  await askHub({ models: missing.map(({ name }) => ({ name, weights: true })), download: true }, signal);
}
