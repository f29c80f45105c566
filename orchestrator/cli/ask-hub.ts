/** Hub models, by way of Python's huggingface_hub. */
import { downloadWeights, type HubRequest, type MissingWeights } from '../sources/hub-models.js';
import { note } from './output.js';
import { askPython } from './python.js';

export function askHub(request: HubRequest, signal?: AbortSignal): Promise<unknown> {
  return askPython(['dss_worker.data.resolve_model'], request, signal);
}

/** Before the first trial: workers read what is on disk, and several at once would each fetch it. */
export async function fetchMissing(missing: readonly MissingWeights[], signal: AbortSignal): Promise<void> {
  if (missing.length === 0) return;
  for (const { name, bytes } of missing) note(`fetching the weights of ${name}, ${(bytes / 1e9).toFixed(2)} GB`);
  await downloadWeights(missing, askHub, signal);
}
