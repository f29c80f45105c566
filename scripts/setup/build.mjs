/** dist/: what `tsc` makes of orchestrator/, and the page that web/ is bundled into. */
import { chmodSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { ROOT } from './paths.mjs';
import { filesBelow, fingerprint, readStamp, writeStamp } from './stamp.mjs';

const DIST = join(ROOT, 'dist');
/** Beside dist/, so that the source maps' relative paths hold after the move. */
const FRESH = join(ROOT, 'dist.new');
const OLD = join(ROOT, 'dist.old');
const MAIN = 'orchestrator/cli/main.js';

function print() {
  const sources = join(ROOT, 'orchestrator');
  const files = filesBelow(sources).filter((file) => file.endsWith('.ts'));
  const configs = ['tsconfig.json', 'tsconfig.build.json'].map((name) => join(ROOT, name));
  const page = join(ROOT, 'web');
  const ofPage = filesBelow(page).map((file) => join(page, file));
  const all = [...configs, ...files.map((file) => join(sources, file)), ...ofPage, join(ROOT, 'scripts/build-web.mjs')];
  return fingerprint([compilerVersion(), ...files], all);
}

function compilerVersion() {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  return String(lock.packages?.['node_modules/typescript']?.version);
}

/** @type {import('./part.mjs').Part} */
export const build = {
  name: 'build',
  isCurrent: async () => existsSync(join(DIST, MAIN)) && readStamp(DIST) === print(),
  /** Built aside and moved into place: nobody meets half a build, and no file of a source that is gone stays. */
  async make({ signal }) {
    const made = print();
    rmSync(FRESH, { recursive: true, force: true });
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    await run(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', FRESH], {
      signal,
      hint: 'the sources do not compile; a fresh checkout does',
    });
    await run(process.execPath, [join(ROOT, 'scripts/build-web.mjs'), join(FRESH, 'web')], {
      signal,
      hint: 'the page cannot be bundled; a fresh checkout can',
    });
    chmodSync(join(FRESH, MAIN), 0o755);
    writeStamp(FRESH, made);
    rmSync(OLD, { recursive: true, force: true });
    if (existsSync(DIST)) renameSync(DIST, OLD);
    renameSync(FRESH, DIST);
    rmSync(OLD, { recursive: true, force: true });
    return 'built';
  },
};
