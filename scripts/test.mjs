/** `npm test`: the set-up, then every test. The second language's run whatever the first's say. */
import './setup/require-node.mjs';
import { main } from './setup/main.mjs';
import { setUp } from './setup/set-up.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { runSteps } from './steps.mjs';

await main(async () => {
  if (process.argv.length > 2) {
    throw new SetupError(
      `npm test runs everything and takes no arguments: ${process.argv.slice(2).join(' ')}`,
      'one file: npx mocha FILE, or npm run test:python -- FILE',
    );
  }
  await setUp({ pythonPackages: ['pytest'] });
  return runSteps([
    { name: 'TypeScript tests', command: ['npm', 'run', '--silent', 'test:ts'] },
    { name: 'Python tests', command: ['npm', 'run', '--silent', 'test:python'] },
  ]);
});
