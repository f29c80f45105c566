/**
 * A test that leaves something open (a server, a child, a timer) keeps the whole run from ending. Rather than ending it by
 * force, which hides that, or waiting for ever: say what is open, and fail.
 */
import type { RootHookObject } from 'mocha';

const GRACE_MS = 20_000;

export const mochaHooks: RootHookObject = {
  afterAll() {
    // Alone it keeps nothing alive: it is heard only where something else does.
    setTimeout(() => {
      console.error(`the tests are done, but this is still open: ${process.getActiveResourcesInfo().join(', ')}`);
      process.once('exit', () => {
        process.exitCode = 1; // after mocha has set its own
      });
      process.exit();
    }, GRACE_MS).unref();
  },
};
