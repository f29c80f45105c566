/** The numbers of a report beside those that its sweep gives now. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SweepError } from '../core/errors.js';
import { differences } from '../reports/differences.js';
import { summaryValue } from '../reports/summary-json.js';
import { resolveHome } from './environment.js';
import type { WhereFlags } from './find-server.js';
import { loadReport } from './load-report.js';
import { mustHaveSweep, withReader } from './sweep-reader.js';

/** More of them say no more. */
const MOST_SHOWN = 20;

export interface VerifiedNumbers {
  /** Where the results are; `null`: nobody said where, and the usual place does not have the sweep. */
  readonly place: string | null;
  /** What is wrong, a line per number. */
  readonly wrong: readonly string[];
}

/** @throws SweepError SWEEP_UNKNOWN where a place was named that does not have the sweep */
export function verifyNumbers(folder: string, sweep: string, where: WhereFlags): Promise<VerifiedNumbers> {
  return withReader(where, async (reader) => {
    const isNamed = where.home !== undefined || where.server !== undefined;
    if (!isNamed && (await reader.sweep(sweep)) === null) return { place: null, wrong: [] };
    await mustHaveSweep(reader, sweep);
    const { report } = await loadReport(reader, sweep, resolveHome(where.home));
    const written = await summaryOf(join(folder, 'summary.json'));
    // As the file has it: what JSON cannot say is null in both.
    const now = JSON.parse(JSON.stringify(summaryValue(report))) as Summary;
    const wrong: string[] = [];
    let more = 0;
    for (const { place, first, second } of differences(comparable(written, now), now)) {
      if (wrong.length === MOST_SHOWN) more += 1;
      else wrong.push(`summary.json: ${place} is ${first}, and ${second} by ${reader.place}`);
    }
    return { place: reader.place, wrong: more === 0 ? wrong : [...wrong, `… and ${more} more`] };
  });
}

type Summary = Readonly<Record<string, unknown>>;

async function summaryOf(path: string): Promise<Summary> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Summary;
    throw new Error('expected an object');
  } catch (cause) {
    throw new SweepError('USAGE', `${path} cannot be read: ${(cause as Error).message}`, {
      hint: '`dss report SWEEP --out DIR` writes it again',
      cause,
    });
  }
}

/** Teachers are counted from the datasets' files, which need not be where the report is checked. */
function comparable(written: Summary, now: Summary): Summary {
  const isWithoutTeachers = Array.isArray(now['teachers']) && now['teachers'].length === 0;
  return isWithoutTeachers ? { ...written, teachers: [] } : written;
}
