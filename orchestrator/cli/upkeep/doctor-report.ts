/** What `dss doctor` prints. */
import { existsSync } from 'node:fs';
import { counted } from '../../reports/format.js';
import { resolveHome } from '../environment.js';
import { painterFor, print, printJson } from '../output.js';
import type { Check } from './doctor-check.js';
import { checkJournalOf } from './doctor-journal.js';
import { checkMachine } from './doctor-machine.js';
import { checkStateFolder } from './doctor-state.js';
import { checkStore } from './doctor-store.js';

export interface DoctorFlags {
  readonly home: string | undefined;
  readonly json: boolean;
}

/** Gives 1 where there is a problem. */
export async function runDoctor({ home: homeFlag, json }: DoctorFlags): Promise<number> {
  const home = resolveHome(homeFlag);
  const nowMs = Date.now();
  const state = existsSync(home)
    ? [...checkStateFolder(home), ...checkJournalOf(home, nowMs), ...(await checkStore(home, nowMs))]
    : [];
  const checks = [...state, ...(await checkMachine())];
  const problems = checks.filter(({ verdict }) => verdict === 'problem').length;
  if (json) printJson({ home, problems, checks });
  else {
    print(existsSync(home) ? `state folder ${home}` : `state folder ${home}: absent; the first sweep makes it`);
    const width = Math.max(...checks.map(({ name }) => name.length));
    for (const check of checks) print(line(check, width));
    print(problems === 0 ? 'no problem found' : `${counted(problems, 'problem')} found`);
  }
  return problems === 0 ? 0 : 1;
}

function line({ name, verdict, what, repair }: Check, width: number): string {
  const paint = painterFor(process.stdout);
  const word =
    verdict === 'ok' ? paint('green', 'ok     ') : verdict === 'warning' ? 'warning' : paint('red', 'problem');
  return `${word}  ${name.padEnd(width)}  ${what}${repair === '' ? '' : `\n${' '.repeat(width + 11)}→ ${repair}`}`;
}
