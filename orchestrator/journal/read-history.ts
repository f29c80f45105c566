/** The history of a sweep's declarations, from the record of events: the rows hold only how it stands now. */

import type { JsonValue } from '../core/sweep/place.js';
import { historyOf, type SubmittedOnce, type SweepHistory } from '../core/sweep/sweep-history.js';
import { decodeEvent, stableJson } from './json.js';
import { openForReading } from './sqlite/open-database.js';

/** `null`: there is no journal. Looks through all events once, which a report of a sweep that declares nothing need not. */
export function readHistory(home: string, sweep: string, compare: JsonValue): SweepHistory | null {
  const db = openForReading(home);
  if (db === null) return null;
  try {
    const rows = db
      .prepare(
        `SELECT at, body FROM events WHERE kind = 'submitted' AND json_extract(body, '$.sweep') = ? ORDER BY event_id`,
      )
      .iterate(sweep) as Iterable<{ readonly at: number; readonly body: string }>;
    const submitted = [...submissionsOf(rows)];
    const trialIds = JSON.stringify([...new Set(submitted.flatMap((each) => each.trialIds))]);
    const ends = db
      .prepare(
        `SELECT trial_id, min(at) AS first, count(*) AS times FROM events
         WHERE trial_id IS NOT NULL AND trial_id IN (SELECT value FROM json_each(?))
         AND kind IN ('succeeded', 'failed') GROUP BY trial_id`,
      )
      .all(trialIds) as readonly { readonly trial_id: string; readonly first: number; readonly times: number }[];
    return {
      ...historyOf(submitted, stableJson(compare), new Map(ends.map(({ trial_id, first }) => [trial_id, first]))),
      firstEndedUnixMs: Object.fromEntries(
        ends.filter(({ times }) => times > 1).map(({ trial_id, first }) => [trial_id, first]),
      ),
    };
  } finally {
    db.close();
  }
}

function* submissionsOf(rows: Iterable<{ readonly at: number; readonly body: string }>): Generator<SubmittedOnce> {
  let trialIds: string[] = [];
  for (const { at, body } of rows) {
    const event = decodeEvent(body);
    if (event.kind !== 'submitted') continue;
    trialIds = event.first === 0 ? [...event.trialIds] : [...trialIds, ...event.trialIds];
    if (!event.last) continue;
    yield { atUnixMs: at, compare: stableJson(event.options.compare), trialIds, extend: event.extend };
  }
}
