/** Points of training that are made durable in a second. */
import { PlaneProcess } from '../support/plane-process.js';
import type { Row } from '../support/rows.js';
import { SwarmProcess } from '../support/swarm-process.js';
import type { PartContext } from './part.js';

const SESSIONS = 16;
/** About a kilobyte, the size at which a worker no longer waits for more. */
const POINTS_PER_REPORT = 64;

export async function measureIngest({ quick, newFolder, say }: PartContext): Promise<readonly Row[]> {
  const points = quick ? 100_000 : 500_000;
  const plane = await PlaneProcess.start(newFolder('ingest'));
  const { address, joinToken } = plane;
  await plane.submit('ingest', SESSIONS);
  const behaviour = { kind: 'measure', pointsPerReport: POINTS_PER_REPORT, reportsAhead: 4 } as const;
  const swarm = new SwarmProcess({ address, joinToken, sessions: SESSIONS, slots: 1, prefetch: 0, behaviour });
  const first = (await swarm.until((counts) => counts.points >= points / 10)).points;
  const started = performance.now();
  const last = (await swarm.until((counts) => counts.points >= first + points)).points;
  const perSecond = (last - first) / ((performance.now() - started) / 1000);
  await swarm.end();
  await plane.end();
  say(`${perSecond.toFixed(0)} points a second`);
  return [
    {
      what: 'points of training made durable',
      unit: 'points/s',
      value: perSecond,
      aim: { atLeast: 10_000 },
      detail: `${SESSIONS} sessions, ${POINTS_PER_REPORT} points a report`,
    },
  ];
}
