/** The programs that dss needs, and their versions. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { z } from 'zod';
import { SweepError } from '../../core/errors.js';
import { findPython } from '../python.js';
import { packagesHint } from '../python-packages.js';
import { type Check, ok, problem } from './doctor-check.js';

/** Reads what is installed without importing it: torch alone would take seconds. */
const ASK_VERSIONS = `
import json, platform
from importlib.metadata import PackageNotFoundError, version
def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
print(json.dumps({"python": platform.python_version(), **{name: installed(name) for name in ("torch", "transformers", "grpcio")}}))
`;

const Versions = z.object({
  python: z.string(),
  torch: z.string().nullable(),
  transformers: z.string().nullable(),
  grpcio: z.string().nullable(),
});

/** As `engines` in package.json says. */
const NODE_FLOOR = '20.19 or later, or 22.12 or later';

export async function checkMachine(): Promise<readonly Check[]> {
  return [checkNode(process.versions.node), checkGrpc(), ...(await checkPython())];
}

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22;
  if (isEnough) return ok('node', version);
  return problem(
    'node',
    `${version}, expected ${NODE_FLOOR}`,
    'install Node 22 or 24 from nodejs.org or your package manager',
  );
}

function checkGrpc(): Check {
  try {
    const path = createRequire(import.meta.url).resolve('@grpc/grpc-js/package.json');
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string };
    return ok('grpc', `@grpc/grpc-js ${version}`);
  } catch (error) {
    return problem('grpc', `@grpc/grpc-js cannot be found: ${(error as Error).message}`, 'npm ci');
  }
}

async function checkPython(): Promise<readonly Check[]> {
  try {
    const python = findPython();
    const { stdout } = await promisify(execFile)(python, ['-P', '-c', ASK_VERSIONS], { timeout: 60_000 });
    const { python: version, ...packages } = Versions.parse(JSON.parse(stdout));
    const missing = Object.entries(packages).flatMap(([name, each]) => (each === null ? [name] : []));
    const found = Object.entries(packages).flatMap(([name, each]) => (each === null ? [] : [`${name} ${each}`]));
    if (missing.length === 0) return [ok('python', `${version} (${python})`), ok('packages', found.join(', '))];
    return [
      ok('python', `${version} (${python})`),
      problem('packages', `${python} lacks ${missing.join(', ')}`, packagesHint(python)),
    ];
  } catch (reason) {
    const { message, hint } = SweepError.from(reason);
    return [problem('python', message, hint === '' ? 'npm run setup, or set DSS_PYTHON' : hint)];
  }
}
