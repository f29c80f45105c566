/**
 * Writes the generated code of proto/: TypeScript by ts-proto, Python by grpcio-tools. Committed, so
 * that a clone builds without either; `node scripts/generate.mjs --check` fails when it has drifted.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pythonCommand, ROOT } from './setup/paths.mjs';
import { filesBelow } from './setup/stamp.mjs';

const PROTO = join(ROOT, 'proto');
const PROTOS = ['common', 'worker', 'client', 'store'].map((name) => `dss/v1/${name}.proto`);
/** Of Ray's client protocol what we say and hear; the launcher's alone. */
const RAY = 'ray/ray_client.proto';
/** Answered by the control plane alone. */
const HEALTH = 'grpc/health/v1/health.proto';
const TS_PROTO_OPTIONS = [
  'outputServices=grpc-js',
  'esModuleInterop=true',
  'importSuffix=.js',
  'oneof=unions-value',
  'forceLong=bigint',
  'useExactTypes=false',
  'env=node',
  'enumsAsLiterals=true',
  'unrecognizedEnum=true',
  'outputJsonMethods=false',
  'outputPartialMethods=false',
  'noDefaultsForOptionals=true',
  'useOptionals=none',
].join(',');

const LANGUAGES = [
  { folder: join(ROOT, 'orchestrator/wire/generated'), generate: generateTypeScript },
  { folder: join(ROOT, 'orchestrator/launchers/ray/client/generated'), generate: generateRay },
  { folder: join(ROOT, 'worker-python/dss_worker/agent/generated'), generate: generatePython },
];

/** @param {string} out */
function generateTypeScript(out) {
  compile(out, [...PROTOS, HEALTH]);
}

/** @param {string} out */
function generateRay(out) {
  compile(out, [RAY]);
}

/**
 * @param {string} out
 * @param {readonly string[]} protos
 */
function compile(out, protos) {
  const bin = join(ROOT, 'node_modules/.bin');
  const plugin = `--plugin=protoc-gen-ts_proto=${join(bin, 'protoc-gen-ts_proto')}`;
  const options = [plugin, `--ts_proto_out=${out}`, `--ts_proto_opt=${TS_PROTO_OPTIONS}`];
  execFileSync(join(bin, 'protoc'), [...options, '-I', PROTO, ...protos], { stdio: 'inherit' });
}

/** @param {string} out */
function generatePython(out) {
  const outputs = [`--python_out=${out}`, `--pyi_out=${out}`, `--grpc_python_out=${out}`];
  const args = ['-m', 'grpc_tools.protoc', '-I', PROTO, ...outputs, ...PROTOS];
  execFileSync(pythonCommand(), args, { stdio: 'inherit' });
  // protoc writes imports as if its output folder were on the path; ours is a package.
  for (const file of filesBelow(out)) {
    const path = join(out, file);
    const code = readFileSync(path, 'utf8');
    writeFileSync(path, code.replace(/^from dss\.v1 import/gm, 'from dss_worker.agent.generated.dss.v1 import'));
  }
  for (const folder of ['.', 'dss', 'dss/v1']) writeFileSync(join(out, folder, '__init__.py'), '');
}

/**
 * Files that one folder has and the other has not, or has otherwise.
 * @param {string} fresh
 * @param {string} committed
 */
function differences(fresh, committed) {
  const names = new Set([...filesBelow(fresh), ...filesBelow(committed)]);
  return [...names].filter((name) => {
    const [a, b] = [join(fresh, name), join(committed, name)];
    return !existsSync(a) || !existsSync(b) || !readFileSync(a).equals(readFileSync(b));
  });
}

const check = process.argv.includes('--check');
const scratch = mkdtempSync(join(tmpdir(), 'dss-generate-'));
try {
  const drifted = [];
  for (const [index, { folder, generate }] of LANGUAGES.entries()) {
    const out = join(scratch, String(index));
    mkdirSync(out);
    generate(out);
    if (check) {
      drifted.push(...differences(out, folder).map((name) => relative(ROOT, join(folder, name))));
    } else {
      rmSync(folder, { recursive: true, force: true });
      cpSync(out, folder, { recursive: true });
    }
  }
  if (drifted.length > 0) {
    console.error(`generated code differs from proto/: ${drifted.join(', ')}\nhint: npm run generate`);
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
