/** `npm run check`: what CI runs, in its order. Every step runs, so that one look shows all there is to mend. */
import './setup/require-node.mjs';
import { main } from './setup/main.mjs';
import { setUp } from './setup/set-up.mjs';
import { runSteps } from './steps.mjs';

const SCRIPTS = ['generate:check', 'format:check', 'lint', 'deadcode', 'types'];

await main(async () => {
  await setUp({ pythonPackages: ['grpcio-tools', 'mypy', 'pytest', 'ruff'] });
  return runSteps([
    ...SCRIPTS.map((name) => ({ name, command: /** @type {const} */ (['npm', 'run', '--silent', name]) })),
    { name: 'tests', command: ['npm', 'test', '--silent'] },
  ]);
});
