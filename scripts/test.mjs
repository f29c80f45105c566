/** `npm test`: the set-up, then every test, both languages' at once: most of them wait for processes most of the time. */
import './setup/require-node.mjs';
import { mochaStep, pytestStep } from './again.mjs';
import { main } from './setup/main.mjs';
import { setUp } from './setup/set-up.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { runTests } from './steps.mjs';

await main(async () => {
  if (process.argv.length > 2) {
    throw new SetupError(
      `npm test runs everything and takes no arguments: ${process.argv.slice(2).join(' ')}`,
      'one file: npx mocha FILE, or npm run test:python -- FILE',
    );
  }
  await setUp({ pythonPackages: ['pytest'] });
  return runTests((scratch) => [
    mochaStep(
      { name: 'TypeScript tests', command: ['npm', 'run', '--silent', 'test:ts'] },
      { scratch, again: ['npx', 'mocha'] },
    ),
    pytestStep({ name: 'Python tests', command: ['npm', 'run', '--silent', 'test:python', '--'] }, { scratch }),
  ]);
});
