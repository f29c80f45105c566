/**
 * Writes the generated code of proto/: TypeScript by ts-proto, Python by grpcio-tools. Committed, so
 * that a clone builds without either; `node scripts/generate.mjs --check` fails when it has drifted.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const protos = ['common', 'worker', 'client'].map((name) => `dss/v1/${name}.proto`);
const TARGETS = {
  typescript: join(root, 'orchestrator/wire/generated'),
  python: join(root, 'worker-python/dss_worker/agent/generated'),
};
const TS_PROTO_OPTIONS = [
  'outputServices=grpc-js', 'esModuleInterop=true', 'importSuffix=.js', 'oneof=unions-value', 'forceLong=bigint',
  'useExactTypes=false', 'env=node', 'enumsAsLiterals=true', 'unrecognizedEnum=true', 'outputJsonMethods=false',
  'outputPartialMethods=false', 'noDefaultsForOptionals=true', 'useOptionals=none',
].join(',');

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function generateTypeScript(out) {
  const bin = join(root, 'node_modules/.bin');
  execFileSync(join(bin, 'protoc'), [
    `--plugin=protoc-gen-ts_proto=${join(bin, 'protoc-gen-ts_proto')}`,
    `--ts_proto_out=${out}`, `--ts_proto_opt=${TS_PROTO_OPTIONS}`, '-I', join(root, 'proto'), ...protos,
  ], { stdio: 'inherit' });
}

function generatePython(out) {
  const python = process.env.DSS_PYTHON ?? join(root, '.venv/bin/python');
  execFileSync(python, [
    '-m', 'grpc_tools.protoc', '-I', join(root, 'proto'), `--python_out=${out}`, `--pyi_out=${out}`, `--grpc_python_out=${out}`, ...protos,
  ], { stdio: 'inherit' });
  // protoc writes imports as if its output folder were on the path; ours is a package.
  for (const file of filesBelow(out)) {
    const path = join(out, file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^from dss\.v1 import/gm, 'from dss_worker.agent.generated.dss.v1 import'));
  }
  for (const folder of ['.', 'dss', 'dss/v1']) writeFileSync(join(out, folder, '__init__.py'), '');
}

const check = process.argv.includes('--check');
const scratch = mkdtempSync(join(tmpdir(), 'dss-generate-'));
try {
  const drifted = [];
  for (const [language, target] of Object.entries(TARGETS)) {
    const out = join(scratch, language);
    mkdirSync(out, { recursive: true });
    if (language === 'typescript') generateTypeScript(out);
    else generatePython(out);
    const names = new Set([...filesBelow(out), ...filesBelow(target)]);
    for (const name of names) {
      const [fresh, old] = [join(out, name), join(target, name)];
      if (!existsSync(fresh) || !existsSync(old) || !readFileSync(fresh).equals(readFileSync(old))) {
        drifted.push(relative(root, old));
      }
    }
    if (!check) {
      rmSync(target, { recursive: true, force: true });
      cpSync(out, target, { recursive: true });
    }
  }
  if (check && drifted.length > 0) {
    console.error(`generated code differs from proto/: ${drifted.join(', ')}\nrun: npm run generate`);
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
