/** Hub models, by way of Python's huggingface_hub. */
import { z } from 'zod';
import { type AskHub, downloadWeights, type HubRequest, type MissingWeights } from '../../sources/hub-models.js';
import { note } from '../output.js';
import { askPython } from '../python.js';

const Answer = z.object({ models: z.array(z.unknown()) });

export function askHub(request: HubRequest, signal?: AbortSignal): Promise<unknown> {
  return askPython(['dss_worker.data.resolve_model'], request, signal);
}

/** What is on disk, without asking the hub: a price needs no hashes of weights, and no network. */
export function askCacheOnly(request: HubRequest, signal?: AbortSignal): Promise<unknown> {
  return askPython(['dss_worker.data.resolve_model'], request, signal, { HF_HUB_OFFLINE: '1' });
}

/** For files that are planned together: what one asked, the next need not. */
export function remembering(ask: AskHub): AskHub {
  const answers = new Map<string, unknown>();
  return async (request, signal) => {
    const unknown = request.models.filter((model) => !answers.has(JSON.stringify(model)));
    if (unknown.length > 0) {
      const { models } = Answer.parse(await ask({ ...request, models: unknown }, signal));
      for (const [place, model] of unknown.entries()) answers.set(JSON.stringify(model), models[place]);
    }
    return { models: request.models.map((model) => answers.get(JSON.stringify(model))) };
  };
}

/** Before the first trial: workers read what is on disk, and several at once would each fetch it. */
export async function fetchMissing(missing: readonly MissingWeights[], signal: AbortSignal): Promise<void> {
  if (missing.length === 0) return;
  for (const { name, bytes } of missing) note(`fetching the weights of ${name}, ${(bytes / 1e9).toFixed(2)} GB`);
  await downloadWeights(missing, askHub, signal);
}
