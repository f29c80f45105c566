/**
 * Mocha's own report, which besides leaves the files of failed tests, one a line, in the file that DSS_TEST_FAILED names:
 * `npm test` runs these once more, alone. Mocha loads a reporter as CommonJS.
 */
const { writeFileSync } = require('node:fs');
const { relative } = require('node:path');
const Mocha = require('mocha');

module.exports = class SpecReporter extends Mocha.reporters.Spec {
  /** @param {Mocha.Runner} runner @param {Mocha.MochaOptions} options */
  constructor(runner, options) {
    super(runner, options);
    const list = process.env['DSS_TEST_FAILED'];
    if (list === undefined) return;
    /** @type {Set<string>} */
    const files = new Set();
    const { EVENT_TEST_FAIL, EVENT_RUN_END } = Mocha.Runner.constants;
    // Hooks, which fail like tests do, say their file through the suite that they are of.
    runner.on(EVENT_TEST_FAIL, ({ file, parent }) => {
      const failed = file ?? parent?.file;
      if (failed !== undefined) files.add(relative(process.cwd(), failed));
    });
    runner.on(EVENT_RUN_END, () => writeFileSync(list, [...files].join('\n')));
  }
};
