/** What `dss debug bundle` writes: one file of plain JSON, so that a person can read all of it before it goes anywhere. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { SweepError } from '../../core/errors.js';
import { resolveHome } from '../environment.js';
import { note, print, printJson } from '../output.js';
import { withReader } from '../readers/sweep-reader.js';
import { ownVersion } from '../version.js';
import { checkJournalOf } from './doctor-journal.js';
import { checkMachine } from './doctor-machine.js';
import { checkStateFolder } from './doctor-state.js';
import { checkStore } from './doctor-store.js';
import { namesHere, redactAll } from './redact.js';

export interface BundleFlags {
  readonly file: string | undefined;
  readonly home: string | undefined;
  readonly json: boolean;
}

const LOG_BYTES = 512 * 1024;
const MOST_FAILURES = 100;

export async function writeBundle({ file, home: homeFlag, json }: BundleFlags): Promise<number> {
  const home = resolveHome(homeFlag);
  const now = new Date();
  const path = resolve(file ?? `dss-debug-${now.toISOString().replaceAll(/[:.]/g, '-')}.json`);
  const bundle = {
    writtenAt: now.toISOString(),
    dss: ownVersion(),
    node: process.version,
    system: {
      platform: process.platform,
      release: release(),
      arch: arch(),
      cores: cpus().length,
      memoryBytes: totalmem(),
    },
    // Which are set, and not to what.
    variables: Object.keys(process.env)
      .filter((name) => /^(DSS|CUDA|HF|OMP|NCCL|OTEL)_/.test(name))
      .sort(),
    checks: await attempted(async () => [
      ...checkStateFolder(home),
      ...checkJournalOf(home, now.getTime()),
      ...(await checkStore(home, now.getTime())),
      ...(await checkMachine()),
    ]),
    sweeps: existsSync(home) ? await attempted(() => sweepsOf(home)) : [],
    log: lastOf(join(home, 'logs', 'control-plane.log')),
  };
  const text = JSON.stringify(redactAll(bundle, namesHere(home)), null, 2);
  try {
    writeFileSync(path, `${text}\n`, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    throw new SweepError('USAGE', `${path} cannot be written: ${(cause as Error).message}`, {
      hint: 'name another file; nothing is overwritten',
      cause,
    });
  }
  if (json) printJson({ file: path });
  else print(path);
  note('it holds versions, checks, states, causes of failures and the end of the log; read it before you send it');
  return 0;
}

function sweepsOf(home: string) {
  return withReader({ home }, async (reader) => {
    const found = [];
    for (const { sweep, total, counts, standing } of await reader.sweeps()) {
      const failures = [];
      for await (const { trial, state, attempts, failure } of reader.trials(sweep)) {
        if (failure === null || failures.length >= MOST_FAILURES) continue;
        const { code, kind, message } = failure;
        failures.push({ trialId: trial.trialId, state, attempts, code, kind, message });
      }
      found.push({ sweep, total, counts, state: standing.state, reason: standing.reason, failures });
    }
    return found;
  });
}

/** What is broken must not keep the rest from being told. */
async function attempted<T>(look: () => Promise<T>): Promise<T | string> {
  try {
    return await look();
  } catch (reason) {
    return `not known: ${reason instanceof Error ? reason.message : String(reason)}`;
  }
}

function lastOf(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  const bytes = readFileSync(path);
  return bytes
    .subarray(Math.max(0, bytes.length - LOG_BYTES))
    .toString('utf8')
    .trimEnd()
    .split('\n');
}
