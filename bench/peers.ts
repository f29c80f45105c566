/**
 * The same trials that do nothing, by others, for `npm run bench:control` to be read beside.
 *
 *   npm run bench:peers [-- --json FILE]
 *
 * Each peer comes from the package index into an environment of its own in a temporary folder, which is removed in
 * the end; PYTHON names the interpreter that makes it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../orchestrator/cli/python.js';
import { type Row, report } from './support/rows.js';
import { run } from './support/run.js';

interface Peer {
  readonly name: string;
  readonly packages: readonly string[];
  readonly script: string;
  readonly trials: number;
}

const PEERS: readonly Peer[] = [
  { name: 'Ray Tune', packages: ['ray[tune]'], script: 'ray_tune.py', trials: 200 },
  { name: 'Optuna with SQLite', packages: ['optuna'], script: 'optuna_sqlite.py', trials: 500 },
];

interface Finished {
  readonly version: string;
  readonly trials: number;
  readonly seconds: number;
}

const HELP = `npm run bench:peers [-- FLAGS]
  --json FILE   the table as JSON too ("-": instead of it)`;

const { values } = parseArgs({ options: { json: { type: 'string' }, help: { type: 'boolean', default: false } } });
if (values.help) {
  console.log(HELP);
  process.exit();
}
const folder = mkdtempSync(join(tmpdir(), 'dss-peers-'));

async function measure({ name, packages, script, trials }: Peer): Promise<Row> {
  const [environment, storage] = [join(folder, script), join(folder, `${script}-storage`)];
  mkdirSync(storage);
  console.error(`${name}: installing ${packages.join(' ')}`);
  await run(process.env['PYTHON'] ?? 'python3', ['-m', 'venv', environment]);
  const python = join(environment, 'bin', 'python');
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]);
  console.error(`${name}: ${trials} trials`);
  const { stdout } = await run(python, [join(packageRoot(), 'bench', 'peers', script), String(trials)], {
    PEER_STORAGE: storage,
    RAY_USAGE_STATS_ENABLED: '0',
  });
  const { version, seconds } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Finished;
  return {
    what: `${name} ${version}, ${trials} trials`,
    unit: 'trials/s',
    value: trials / seconds,
    aim: null,
    detail: `${seconds.toFixed(1)} s`,
  };
}

try {
  const rows: Row[] = [];
  for (const peer of PEERS) rows.push(await measure(peer));
  report('Peers, no-op trials', rows, values.json);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
