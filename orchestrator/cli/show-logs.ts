/** What `dss logs` prints: the log file of a trial, and with `-f` what is added while a control plane runs. */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { oneLine } from '../core/text.js';
import { resolveHome } from './environment.js';
import { findRunningPlane, type RunningPlane } from './running-plane.js';
import { findTrial, withJournal } from './state.js';

export interface LogsFlags {
  readonly trial: string;
  readonly follow: boolean;
  readonly home: string | undefined;
  readonly json: boolean;
}

export async function showLogs({ trial, follow, home: homeFlag, json }: LogsFlags): Promise<number> {
  const home = resolveHome(homeFlag);
  const trialId = await withJournal(home, (journal) => findTrial(journal, trial, home));
  const path = join(home, 'logs', `${trialId}.log`);
  if (json) return printAsDocument(trialId, linesOf(path));
  // Without a control plane nothing is added any more.
  const plane = follow ? await findRunningPlane(home) : null;
  for await (const line of plane === null ? linesOf(path) : followed(plane, trialId)) {
    process.stdout.write(`${oneLine(line)}\n`);
  }
  return 0;
}

async function* linesOf(path: string): AsyncGenerator<string> {
  if (!existsSync(path)) return; // nothing was written yet
  yield* createInterface({ input: createReadStream(path), crlfDelay: Infinity });
}

async function* followed({ address, clientToken }: RunningPlane, trialId: string): AsyncGenerator<string> {
  const { connectClient } = await import('../control/client.js');
  const client = connectClient({ address, token: clientToken });
  try {
    yield* client.logs(trialId, { follow: true }, new AbortController().signal);
  } finally {
    client.close();
  }
}

/** Line by line, since a log may be larger than memory should be. */
async function printAsDocument(trialId: string, lines: AsyncIterable<string>): Promise<number> {
  process.stdout.write(`{"id":${JSON.stringify(trialId)},"lines":[`);
  let before = '\n';
  for await (const line of lines) {
    process.stdout.write(before + JSON.stringify(line));
    before = ',\n';
  }
  process.stdout.write(']}\n');
  return 0;
}
