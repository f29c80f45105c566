/** The frame of the scripts that start with the set-up: errors become messages and exit statuses. */
import { statusOf } from './command.mjs';
import { Interrupted, SetupError } from './setup-error.mjs';

/** @param {() => Promise<number>} work gives the exit status */
export async function main(work) {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (error instanceof Interrupted) {
      process.stderr.write(`setup: ${error.message}\n`);
      process.exitCode = statusOf(error.signal);
    } else if (error instanceof SetupError) {
      const hint = error.hint ? `\n${error.hint.replace(/^/gm, 'hint: ')}` : '';
      process.stderr.write(`setup: error: ${error.message}${hint}\n`);
      process.exitCode = 1;
    } else {
      throw error;
    }
  }
}
