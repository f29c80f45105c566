/** Imported first, so that an old Node gets a sentence instead of a stack. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (!((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22)) {
  fail(`Node ${process.versions.node} will not do; 20.19, 22.12 or newer is needed`);
}
if (process.platform === 'win32') fail('dss runs on Linux and macOS; on Windows, inside WSL');

/** @param {string} message */
function fail(message) {
  process.stderr.write(`setup: error: ${message}\n`);
  process.exit(1);
}
