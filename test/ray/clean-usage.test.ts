import assert from 'node:assert/strict';
import { runDss, temporaryFolder } from '../support/dss.js';

describe('dss ray clean', () => {
  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 2, /address/],
    [['--address', 'a:b:c'], 2, /--address: expected ray:\/\/HOST:PORT, .* got "a:b:c"/],
    [['--address', 'head', '--ray-namespace', 'A b'], 2, /--ray-namespace: expected a name .* got "A b"/],
    [['--address', '127.0.0.1:1'], 2, /--address: expected/],
    [['--address', 'http://127.0.0.1:1'], 75, /127\.0\.0\.1:1 does not answer/],
  ];
  for (const [flags, expected, message] of wrong) {
    it(`with ${flags.join(' ') || 'no flag'} says what is wrong`, async () => {
      using folder = temporaryFolder();
      const env = { DSS_HOME: folder.path, HOME: folder.path };
      const { code, stderr } = await runDss(['ray', 'clean', '--all', ...flags], { env });
      assert.match(stderr, message);
      assert.equal(code, expected);
    });
  }
});
