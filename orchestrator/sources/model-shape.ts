/** The sizes of a model that is on disk; its config alone is read. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shapeOfConfig, type T5Shape } from '../core/cost/shape.js';

/** `null`: there is no config that says them. What is wrong with a model is said where it is read as a source. */
export async function readShape(directory: string): Promise<T5Shape | null> {
  try {
    return shapeOfConfig(JSON.parse(await readFile(join(directory, 'config.json'), 'utf8')));
  } catch {
    return null;
  }
}
