/** Reads and plans a sweep file; what `dss plan` prints. */
import { EXIT_STATUS } from '../core/errors.js';
import { readSweepFile } from '../sources/read-sweep-file.js';
import { resolveHome } from './environment.js';
import { findServer, type WhereFlags } from './find-server.js';
import { notKeptLine } from './not-kept.js';
import { note, print, printJson } from './output.js';
import { planSpec } from './plan-spec.js';
import { standingOf } from './plan-standing.js';
import { explainLines, planValue, rejectionLines, summaryLine } from './plan-text.js';
import { withoutStoreLineAt, withoutStoreLineOf } from './store-warning.js';
import { withReader } from './sweep-reader.js';

export interface PlanFlags extends WhereFlags {
  readonly datasets?: string | undefined;
  readonly json: boolean;
  readonly explain: boolean;
  readonly skipRejected: boolean;
}

export async function planFile(file: string, flags: PlanFlags): Promise<number> {
  const home = resolveHome(flags.home);
  const { spec, directory } = await readSweepFile(file);
  const plan = await planSpec(spec, directory, flags);
  const server = await findServer(flags);
  const standing = await withReader(flags, (reader) => standingOf(reader, plan, { retryFailed: false }));
  const say = flags.json ? note : print;
  say(`${plan.sweep}: ${summaryLine(plan, standing)}`);
  if (flags.explain) for (const line of explainLines(plan)) say(line);
  for (const line of rejectionLines(plan)) note(line);
  const notKept = server === null ? notKeptLine(plan, standing, home) : null;
  if (notKept !== null) note(notKept);
  const withoutStore = await (server === null ? withoutStoreLineAt(home) : withoutStoreLineOf(server));
  if (withoutStore !== null) note(withoutStore);
  if (flags.json) printJson(planValue(plan, standing));
  return plan.rejected.length > 0 && !flags.skipRejected ? EXIT_STATUS.CELLS_REJECTED : 0;
}
