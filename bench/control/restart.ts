/** How soon a control plane serves again after it was killed in the middle of a large sweep. */
import { PlaneProcess } from '../support/plane-process.js';
import type { Row } from '../support/rows.js';
import { median } from '../support/statistics.js';
import type { SwarmCounts, SwarmOptions } from '../support/swarm-options.js';
import { SwarmProcess } from '../support/swarm-process.js';
import type { PartContext } from './part.js';

const SESSIONS = 64;
const RUNNING = 10_000;
const ROUNDS = 3;

export async function measureRestart({ quick, newFolder, say }: PartContext): Promise<readonly Row[]> {
  const trials = quick ? 10_000 : 100_000;
  // Of the half that is left, three rounds hold less than what waits: leases of killed ones run for a while.
  const slots = Math.floor(Math.min(RUNNING, trials / 10) / SESSIONS);
  const home = newFolder('restart');
  let plane = await PlaneProcess.start(home);
  await plane.submit('restart', trials);
  // Half of it has ended, so that there is a history too.
  await withSwarm(
    plane,
    { slots: 1, prefetch: 1, behaviour: { kind: 'finish' } },
    ({ finished }) => finished >= trials / 2,
  );
  const seconds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const hold = { slots, prefetch: 0, behaviour: { kind: 'hold' } } as const;
    await withSwarm(
      plane,
      hold,
      ({ lent }) => lent >= SESSIONS * slots,
      () => plane.end('SIGKILL'),
    );
    const started = performance.now();
    plane = await PlaneProcess.start(home);
    const [queued, running] = [await plane.count('queued'), await plane.count('running')];
    seconds.push((performance.now() - started) / 1000);
    say(`serving ${seconds.at(-1)?.toFixed(2)} s after its start: ${running} run, ${queued} wait`);
  }
  await plane.end();
  return [
    {
      what: `restart after SIGKILL, ${trials} trials`,
      unit: 's',
      value: median(seconds),
      aim: { atMost: 2 },
      detail: `start of the process to its first answer; half had ended, ${SESSIONS * slots} ran; median of ${ROUNDS}`,
    },
  ];
}

async function withSwarm(
  { address, joinToken }: PlaneProcess,
  options: Pick<SwarmOptions, 'slots' | 'prefetch' | 'behaviour'>,
  isReached: (counts: SwarmCounts) => boolean,
  then: () => Promise<void> = async () => {},
): Promise<void> {
  const swarm = new SwarmProcess({ address, joinToken, sessions: SESSIONS, ...options });
  await swarm.until(isReached);
  await then();
  await swarm.end();
}
