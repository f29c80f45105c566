/**
 * Makes a checkout ready to run, or finds that it is: `npm run setup`, and the first thing that `npm start`
 * and `npm test` do. Needs Node and a Python, and no package of either. Also a module for those two.
 */
import './setup/require-node.mjs';
import { main } from './setup/main.mjs';
import { setUp } from './setup/set-up.mjs';

await main(async () => {
  await setUp();
  return 0;
});
