/** How long a slot stands idle between two trials, as its worker sees it. */
import { PlaneProcess } from '../support/plane-process.js';
import type { Row } from '../support/rows.js';
import { percentile } from '../support/statistics.js';
import { SwarmProcess } from '../support/swarm-process.js';
import type { PartContext } from './part.js';

const WORKERS = 64;
const TRIALS_PER_SECOND = 200;
/** What each worker needs for a trial, so that all of them make the rate. */
const TRIAL_MS = (WORKERS / TRIALS_PER_SECOND) * 1000;
/** The last evaluation, as a share of the trial: the next trial is lent when it begins. */
const LAST_SHARE = 0.2;

export async function measureGap({ quick, newFolder, say }: PartContext): Promise<readonly Row[]> {
  const trials = quick ? 2_000 : 8_000;
  const rows: Row[] = [];
  for (const prefetch of [1, 0]) {
    const home = newFolder(`gap-${prefetch}`);
    const plane = await PlaneProcess.start(home);
    const { address, joinToken } = plane;
    await plane.submit('gap', trials);
    const behaviour = { kind: 'work', trialMs: TRIAL_MS, lastMs: TRIAL_MS * LAST_SHARE } as const;
    const swarm = new SwarmProcess({ address, joinToken, sessions: WORKERS, slots: 1, prefetch, behaviour });
    await swarm.until(({ finished }) => finished >= trials);
    const gaps = await swarm.gapsMs();
    await swarm.end();
    await plane.end();
    const [middle, late] = [percentile(gaps, 0.5), percentile(gaps, 0.99)];
    say(`prefetch ${prefetch}: a slot is idle for ${middle.toFixed(2)} ms, 99 of 100 times at most ${late.toFixed(2)}`);
    const how = prefetch === 0 ? 'nothing lent ahead' : 'one trial lent ahead';
    const detail = `${how}, ${WORKERS} workers, ${TRIALS_PER_SECOND} trials/s, ${gaps.length} gaps`;
    rows.push(
      {
        what: `gap on a warm slot, ${how}, p50`,
        unit: 'ms',
        value: middle,
        aim: prefetch === 0 ? null : { atMost: 5 },
        detail,
      },
      {
        what: `gap on a warm slot, ${how}, p99`,
        unit: 'ms',
        value: late,
        aim: prefetch === 0 ? null : { atMost: 25 },
        detail: '',
      },
    );
  }
  return rows;
}
