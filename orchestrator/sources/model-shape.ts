/** The sizes of a model that is on disk: its config is read, and the names of its weights. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shapeOfConfig, type T5Shape } from '../core/cost/shape.js';
import { readSafetensorsHeader } from './safetensors-header.js';

const OUTPUT_LAYER = 'lm_head.weight';

/** `null`: there is no config that says them. What is wrong with a model is said where it is read as a source. */
export async function readShape(directory: string): Promise<T5Shape | null> {
  try {
    const shape = shapeOfConfig(await readJson(join(directory, 'config.json')));
    if (shape === null || !shape.isTied) return shape;
    // Weights that hold an output layer of their own are trained with it, whatever the config says.
    return { ...shape, isTied: !(await hasOutputLayer(directory)) };
  } catch {
    return null;
  }
}

async function hasOutputLayer(directory: string): Promise<boolean> {
  try {
    const header = await readSafetensorsHeader(join(directory, 'model.safetensors'));
    return header?.names.has(OUTPUT_LAYER) ?? false;
  } catch {
    return isInIndex(directory);
  }
}

async function isInIndex(directory: string): Promise<boolean> {
  try {
    const index = (await readJson(join(directory, 'model.safetensors.index.json'))) as { readonly weight_map?: object };
    return Object.hasOwn(index.weight_map ?? {}, OUTPUT_LAYER);
  } catch {
    return false;
  }
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}
