/** The worker's sources as a zip that a cluster unpacks: the same sources give the same bytes, and so the same name. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerCode } from './cluster.js';
import { zipOf } from './zip.js';

/** `folder` holds the package dss_worker. */
export function readWorkerCode(folder: string): WorkerCode {
  const root = join(folder, 'dss_worker');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(py|json|txt)$/.test(path) && !path.split('/').includes('__pycache__'))
    .sort();
  const zip = zipOf(files.map((path) => ({ path: `dss_worker/${path}`, bytes: readFileSync(join(root, path)) })));
  const hash = createHash('sha256').update(zip).digest('hex').slice(0, 32);
  return { name: `_ray_pkg_${hash}.zip`, zip };
}
