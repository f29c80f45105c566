/** `npm run test:places`: a sweep's other places, each with a real one: Kubernetes and Ray, both at once. */
import './setup/require-node.mjs';
import { mochaStep } from './again.mjs';
import { main } from './setup/main.mjs';
import { setUp } from './setup/set-up.mjs';
import { runTests } from './steps.mjs';

await main(async () => {
  await setUp();
  return runTests((scratch) => [
    mochaStep(
      { name: 'Kubernetes', command: ['npm', 'run', '--silent', 'test:kubernetes', '--', '--skip-unbuilt'] },
      { scratch, again: ['npm', 'run', '--silent', 'test:kubernetes', '--'] },
    ),
    mochaStep({ name: 'Ray', command: ['npm', 'run', '--silent', 'test:ray'] }, { scratch, again: ['npx', 'mocha'] }),
  ]);
});
