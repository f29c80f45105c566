/** The journal: whether it is whole, ours, of a version that is known, and true to its own events. */
import { SweepError } from '../../core/errors.js';
import { describeFinding } from '../../journal/check-history.js';
import { listBackups } from '../../journal/sqlite/backups.js';
import { checkDatabase, type DatabaseCheck } from '../../journal/sqlite/check-database.js';
import { isOutdated } from '../../journal/sqlite/open-database.js';
import { counted } from '../../reports/format.js';
import { type Check, ok, problem, warning } from './doctor-check.js';

const SHOWN = 3;
/** Clocks of machines that share a folder may differ so much. */
const AHEAD_MS = 60_000;

export function checkJournalOf(home: string, nowMs: number): readonly Check[] {
  const name = 'journal';
  let check: DatabaseCheck | null;
  try {
    if (isOutdated(home)) {
      return [warning(name, 'written by an older dss', 'run any sweep once: it brings the file up to date')];
    }
    check = checkDatabase(home);
  } catch (reason) {
    const { message, hint } = SweepError.from(reason);
    return [problem(name, message, hint)];
  }
  if (check === null) return [ok(name, 'none yet')];
  const { sweeps, trials, events, newestUnixMs, findings, findingCount } = check;
  const size = [counted(sweeps, 'sweep'), counted(trials, 'trial'), counted(events, 'event')].join(', ');
  if (findingCount === 0) return [ok(name, `whole; ${size}`), checkClock(newestUnixMs, nowMs)];
  const more = findingCount > SHOWN ? `; and ${findingCount - SHOWN} more` : '';
  const what = `${counted(findingCount, 'finding')} in ${size}: ${findings.slice(0, SHOWN).map(describeFinding).join('; ')}${more}`;
  return [problem(name, what, repairOf(home)), checkClock(newestUnixMs, nowMs)];
}

function repairOf(home: string): string {
  const newest = listBackups(home).at(-1);
  if (newest !== undefined) return `dss backup --restore ${newest} --home ${home}`;
  return `no backup is there to restore; keep a copy (dss backup --home ${home}) and start afresh with another --home`;
}

/** Leases do not read this clock; times in reports do, and so does the validity of certificates. */
function checkClock(newestUnixMs: number | null, nowMs: number): Check {
  const now = new Date(nowMs).toISOString();
  if (newestUnixMs === null || newestUnixMs <= nowMs + AHEAD_MS) return ok('clock', now);
  const newest = new Date(newestUnixMs).toISOString();
  return warning('clock', `${now}, which is before the newest event of the journal, ${newest}`, 'set the clock');
}
