/** The images of k8s/images, made by their Dockerfiles of the files of this repository on a base of this machine's own. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../support/dss.js';
import { putBase } from './cluster/real-node/base-image.js';
import { fillFromDockerfile } from './cluster/real-node/dockerfile.js';
import type { ImageConfig } from './cluster/real-node/image.js';
import type { MachinePython } from './machine-python.js';

const IMAGES = join(REPOSITORY, 'k8s/images');
const TSC = join(REPOSITORY, 'node_modules/.bin/tsc');
/** What the Dockerfiles and a script's first line call. */
const DEBIAN = Object.fromEntries(
  ['/bin/sh', '/bin/chmod', '/bin/ln', '/usr/bin/env', '/usr/bin/id', '/usr/bin/install', '/usr/bin/touch'].map(
    (path) => [path, path],
  ),
);
const SHARED_OBJECT = /\.so(\.\d+)*$/;

export function controlPlaneImage(root: string): ImageConfig {
  putBase(root, { programs: { ...DEBIAN, '/usr/local/bin/node': process.execPath } });
  return fillFromDockerfile(join(IMAGES, 'control-plane.Dockerfile'), root, {
    context: REPOSITORY,
    built: {
      '/opt/dss/package.json': (to) => cpSync(join(REPOSITORY, 'package.json'), to),
      '/opt/dss/node_modules': copyProductionModules,
      '/opt/dss/dist': build,
    },
  });
}

/** Without the Python environment: that is gigabytes, and a volume. */
export function workerImage(root: string, python: MachinePython): ImageConfig {
  const elsewhere = python.folders;
  const loaded = elsewhere.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => SHARED_OBJECT.test(path))
      .map((path) => join(folder, path)),
  );
  putBase(root, { programs: DEBIAN, loaded: [python.program, ...loaded], elsewhere });
  return fillFromDockerfile(join(IMAGES, 'worker.Dockerfile'), root, {
    context: REPOSITORY,
    built: { '/opt/venv': (to) => void mkdirSync(to, { recursive: true }) },
  });
}

/** Not dist/, which may be of older sources, and which others may be running. */
function build(to: string): void {
  execFileSync(TSC, ['-p', join(REPOSITORY, 'tsconfig.build.json'), '--outDir', to], { stdio: 'inherit' });
  execFileSync(process.execPath, [join(REPOSITORY, 'scripts/build-web.mjs'), join(to, 'web')], { stdio: 'inherit' });
}

/** What `npm prune --omit=dev` leaves. */
function copyProductionModules(to: string): void {
  const { packages } = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
  };
  const folder = 'node_modules/';
  for (const [path, { dev, devOptional }] of Object.entries(packages)) {
    const isOfAnother = path.lastIndexOf(folder) > 0;
    if (!path.startsWith(folder) || isOfAnother || dev || devOptional) continue;
    cpSync(join(REPOSITORY, path), join(to, path.slice(folder.length)), { recursive: true });
  }
}
