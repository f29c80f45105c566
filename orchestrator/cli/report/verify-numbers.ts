/** The numbers of a report beside those that its sweep gives now. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SweepError } from '../../core/errors.js';
import { differences } from '../../reports/differences.js';
import { summaryValue } from '../../reports/summary-json.js';
import type { SweepReport } from '../../reports/sweep-report.js';
import { whyLeftOut } from '../../reports/teacher-of.js';
import { resolveHome } from '../environment.js';
import { loadReport } from '../readers/load-report.js';
import { mustHaveSweep, withReader } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';

/** More of them say no more. */
const MOST_SHOWN = 20;

export interface VerifiedNumbers {
  /** Where the results are; `null`: nobody said where, and the usual place does not have the sweep. */
  readonly place: string | null;
  /** What is wrong, a line per number. */
  readonly wrong: readonly string[];
  /** What else the results cannot be compared in, a line per dataset. */
  readonly leftOut: readonly string[];
}

/** @throws SweepError SWEEP_UNKNOWN where a place was named that does not have the sweep */
export function verifyNumbers(folder: string, sweeps: readonly string[], where: WhereFlags): Promise<VerifiedNumbers> {
  return withReader(where, async (reader) => {
    const isNamed = where.home !== undefined || where.server !== undefined;
    const found = await Promise.all(sweeps.map((sweep) => reader.sweep(sweep)));
    if (!isNamed && found.includes(null)) return { place: null, wrong: [], leftOut: [] };
    for (const sweep of sweeps) await mustHaveSweep(reader, sweep);
    const { report } = await loadReport(reader, sweeps, resolveHome(where.home));
    const written = await summaryOf(folder);
    // As the file has it: what JSON cannot say is null in both.
    const now = JSON.parse(JSON.stringify(summaryValue(report))) as Summary;
    const wrong: string[] = [];
    let more = 0;
    for (const { place, first, second } of differences(comparable(written, now, report), now)) {
      if (wrong.length === MOST_SHOWN) more += 1;
      else wrong.push(`summary.json: ${place} is ${first}, and ${second} by ${reader.place}`);
    }
    return {
      place: reader.place,
      wrong: more === 0 ? wrong : [...wrong, `… and ${more} more`],
      leftOut: report.teachersLeftOut.map((each) => `of the dataset ${each.dataset}, ${whyLeftOut(each)}`),
    };
  });
}

type Summary = Readonly<Record<string, unknown>>;

export async function summaryOf(folder: string): Promise<Summary> {
  const path = join(folder, 'summary.json');
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

/**
 * Teachers are counted from the datasets' files, and sizes and plans from the models' and the datasets', none of which
 * need be where the report is checked, or be as they were.
 */
function comparable(written: Summary, now: Summary, { teachersLeftOut }: SweepReport): Summary {
  const datasets = new Set<unknown>(teachersLeftOut.map(({ dataset }) => dataset));
  const teachers: readonly Summary[] = Array.isArray(written['teachers']) ? written['teachers'] : [];
  const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return {
    ...written,
    teachers: teachers.filter(({ dataset }) => !datasets.has(dataset)),
    teachers_left_out: now['teachers_left_out'],
    // An older dss said less of how they were declared.
    ...(isMapping(written['declared']) && isMapping(now['declared'])
      ? { declared: { ...now['declared'], ...written['declared'] } }
      : {}),
    ...(datasets.size > 0 ? { planned: now['planned'] } : {}),
    ...(isEmpty(now['teachers']) ? { teachers: [] } : {}),
    ...(isEmpty(now['parameters']) ? { parameters: {}, planned: now['planned'] } : {}),
  };
}

function isMapping(value: unknown): value is Summary {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
