/**
 * What the control plane bears, on this machine: simulated workers over real gRPC, the real journal on disk with
 * `synchronous=FULL`, trials that do nothing. The control plane, the workers and this are processes of their own.
 *
 *   npm run bench:control [-- --quick] [--part NAME] [--json FILE]
 *
 * State folders are made where TMPDIR says, which should be a disk and not memory.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureDispatch } from './control/dispatch.js';
import { measureGap } from './control/gap.js';
import { measureIngest } from './control/ingest.js';
import { measureMemory } from './control/memory.js';
import type { Part } from './control/part.js';
import { measureRestart } from './control/restart.js';
import { measureStatus } from './control/status.js';
import { type Row, report } from './support/rows.js';

const PARTS: Readonly<Record<string, Part>> = {
  dispatch: measureDispatch,
  gap: measureGap,
  memory: measureMemory,
  restart: measureRestart,
  ingest: measureIngest,
  status: measureStatus,
};

const HELP = `npm run bench:control [-- FLAGS]
  --part NAME   one part, or several with commas between: ${Object.keys(PARTS).join(', ')} (default: all)
  --quick       fewer trials: the shape of the figures, not the figures
  --json FILE   the table as JSON too ("-": instead of it)`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    part: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}
const parts = (values.part?.split(',') ?? Object.keys(PARTS)).map((name) => {
  const part = PARTS[name];
  if (part === undefined) throw new Error(`--part: expected ${Object.keys(PARTS).join(' or ')}, got "${name}"`);
  return { name, part };
});

const folder = mkdtempSync(join(tmpdir(), 'dss-bench-'));
const newFolder = (name: string): string => {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
};

try {
  const rows: Row[] = [];
  for (const { name, part } of parts) {
    rows.push(...(await part({ quick: values.quick, newFolder, say: (line) => console.error(`${name}: ${line}`) })));
  }
  report('The control plane, no-op trials', rows, values.json);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
