/**
 * The whole replication in one run: every sweep file of sweeps/replication, one after the other.
 *
 *     npx tsx execute.ts [--plan] [--datasets DIR] [--home DIR] [--workers N]
 *
 * All of it is planned before any of it starts, so that a model or a dataset that is missing is said at once. What is
 * done already is not run again.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reportFailure } from './orchestrator/cli/failure.js';
import { print } from './orchestrator/cli/output.js';
import { hubAsker } from './orchestrator/cli/plan/hub-asker.js';
import { askAhead, planSpec } from './orchestrator/cli/plan/plan-spec.js';
import { standingOf } from './orchestrator/cli/plan/plan-standing.js';
import { summaryLine } from './orchestrator/cli/plan/plan-text.js';
import { tellRejections } from './orchestrator/cli/plan/rejections.js';
import { withReader } from './orchestrator/cli/readers/sweep-reader.js';
import { runPlan } from './orchestrator/cli/run/run-plan.js';
import { StopSignals } from './orchestrator/cli/stop-signals.js';
import { SweepError } from './orchestrator/core/errors.js';
import type { Plan } from './orchestrator/plan/plan-sweep.js';
import { readSweepFile } from './orchestrator/sources/read-sweep-file.js';

const SWEEPS = fileURLToPath(new URL('sweeps/replication/', import.meta.url));
const GRACE_S = 30;

interface Flags {
  readonly plan?: boolean | undefined;
  readonly datasets?: string | undefined;
  readonly home?: string | undefined;
  readonly workers?: string | undefined;
}

function readFlags(): Flags {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ options: { plan: { type: 'boolean' }, datasets: text, home: text, workers: text } }).values;
  } catch (cause) {
    throw new SweepError('USAGE', (cause as Error).message, {
      hint: 'npx tsx execute.ts [--plan] [--datasets DIR] [--home DIR] [--workers N]',
      cause,
    });
  }
}

async function planAll(flags: Flags, signal: AbortSignal): Promise<readonly Plan[]> {
  const files = (await readdir(SWEEPS)).filter((name) => name.endsWith('.yaml')).sort();
  const ask = hubAsker();
  const read = await Promise.all(files.map((file) => readSweepFile(join(SWEEPS, file))));
  await askAhead(read, flags, ask, signal);
  const plans: Plan[] = [];
  for (const { spec, directory } of read) plans.push(await planSpec(spec, directory, flags, signal, ask));
  return plans;
}

async function execute(flags: Flags): Promise<number> {
  using signals = new StopSignals();
  const plans = await signals.orStatus(() => planAll(flags, signals.drain));
  if (typeof plans === 'number') return plans;
  await withReader({ home: flags.home }, async (reader) => {
    for (const plan of plans)
      print(`${plan.sweep}: ${summaryLine(plan, await standingOf(reader, plan, { retryFailed: false }))}`);
  });
  const rejected = plans.flatMap((plan) => plan.rejected);
  if (rejected.length > 0) {
    // The sweeps share models and datasets: each reason is said once for all of them.
    const requested = plans.reduce((sum, plan) => sum + plan.requested, 0);
    tellRejections(rejected, { isMistake: true });
    throw new SweepError('CELLS_REJECTED', `${rejected.length} of ${requested} cells cannot run; nothing was started`, {
      hint: 'put what is missing in place, and run the same command again',
    });
  }
  if (flags.plan) return 0;
  let worst = 0;
  for (const plan of plans) {
    const running = {
      ...flags,
      explain: false,
      retryFailed: false,
      rerun: false,
      extend: false,
      grace: GRACE_S,
      logLevel: 'warn',
      json: false,
    } as const;
    worst = Math.max(worst, await runPlan(plan, running, signals));
    if (signals.status !== null) return signals.status;
  }
  return worst;
}

try {
  process.exitCode = await execute(readFlags());
} catch (reason) {
  process.exitCode = reportFailure(reason, { json: false, debug: process.env['DSS_DEBUG'] === '1' });
}
