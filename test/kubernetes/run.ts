/**
 * `npm run test:kubernetes`: builds the test cluster where it is missing (as root on Debian, with what that needs), then
 * runs every test that needs one, in a network of their own where this user may make one. Arguments go on to mocha.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { REPOSITORY } from '../support/dss.js';
import { buildBinary, findBinary, KUBERNETES_VERSION } from './cluster/build-binary.js';
import { fetchNodePrograms } from './cluster/real-node/packages.js';
import { installMissing } from './debian.js';
import { ownNetwork } from './own-network.js';

const MOCHA = fileURLToPath(import.meta.resolve('mocha/bin/mocha.js'));
const TESTS = 'test/kubernetes/**/*.test.ts';
/** Where the cluster cannot be built, for want of a network or of what it is built with, that is said and is no failure. */
const SKIP_UNBUILT = '--skip-unbuilt';

async function build(): Promise<void> {
  if (findBinary() !== null) return;
  installMissing({ go: 'golang-go' });
  const started = performance.now();
  console.log(`building Kubernetes ${KUBERNETES_VERSION}, once: 8 to 15 minutes of two cores …`);
  const { cluster } = await buildBinary();
  console.log(`built in ${Math.round((performance.now() - started) / 1000)} s: ${cluster}`);
}

const given = process.argv.slice(2).filter((word) => word !== SKIP_UNBUILT);
try {
  installMissing({ ip: 'iproute2' });
  await build();
  fetchNodePrograms();
} catch (error) {
  if (given.length === process.argv.length - 2) throw error;
  console.log(`NOT TESTED on Kubernetes: what that needs could not be made here: ${error}`);
  process.exit(0);
}
const tests = given.some((word) => word.endsWith('.test.ts')) ? [] : [TESTS];
const network = ownNetwork();
const [program = '', ...words] = [...(network?.words ?? []), ...[process.execPath, MOCHA, ...tests, ...given]];
const env = { ...process.env, ...network?.env };
const { status, signal } = spawnSync(program, words, { cwd: REPOSITORY, env, stdio: 'inherit' });
process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
