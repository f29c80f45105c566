/** What `dss logs` prints: the log of a trial, and with `-f` what is added while a control plane runs. */
import { oneLine } from '../../core/text.js';
import { findTrial, withReader } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';

export interface LogsFlags extends WhereFlags {
  readonly trial: string;
  readonly follow: boolean;
  readonly json: boolean;
}

export function showLogs({ trial, follow, json, ...where }: LogsFlags): Promise<number> {
  return withReader(where, async (reader) => {
    const trialId = await findTrial(reader, trial);
    if (json) return printAsDocument(trialId, reader.logs(trialId, { follow: false }));
    for await (const line of reader.logs(trialId, { follow })) process.stdout.write(`${oneLine(line)}\n`);
    return 0;
  });
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
