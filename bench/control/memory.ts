/** What the control plane holds in memory, as the system counts it. */
import { PlaneProcess, type Usage } from '../support/plane-process.js';
import type { Row } from '../support/rows.js';
import { SwarmProcess } from '../support/swarm-process.js';
import type { PartContext } from './part.js';

const SESSIONS = 64;
const RUNNING = 10_000;
/** Two renewals of every lease, and whatever is tidied up when there is time. */
const SETTLE_MS = 25_000;

export async function measureMemory({ quick, newFolder, say }: PartContext): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const sizes = quick
    ? [{ trials: 100_000, aim: 200 }]
    : [
        { trials: 100_000, aim: 200 },
        { trials: 1_000_000, aim: 400 },
      ];
  for (const { trials, aim } of sizes) {
    const { settled, peakMiB, running } = await measure(newFolder(`memory-${trials}`), trials);
    say(`${trials} trials, ${running} running: ${settled.rssMiB.toFixed(0)} MiB, at most ${peakMiB.toFixed(0)}`);
    rows.push({
      what: `memory, ${trials} trials, ${running} of them running`,
      unit: 'MiB RSS',
      value: settled.rssMiB,
      aim: { atMost: aim },
      detail: `${SESSIONS} sessions; at most ${peakMiB.toFixed(0)} MiB, while submitting included`,
    });
  }
  return rows;
}

async function measure(
  home: string,
  trials: number,
): Promise<{ readonly settled: Usage; readonly peakMiB: number; readonly running: number }> {
  const plane = await PlaneProcess.start(home);
  const { address, joinToken } = plane;
  await plane.submit('memory', trials);
  const slots = Math.ceil(RUNNING / SESSIONS);
  const running = SESSIONS * slots;
  const swarm = new SwarmProcess({
    address,
    joinToken,
    sessions: SESSIONS,
    slots,
    prefetch: 0,
    behaviour: { kind: 'hold' },
  });
  await swarm.until(({ lent }) => lent >= running);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const held = await plane.count('running');
  if (held !== running) throw new Error(`${held} trials run, expected ${running}: leases were lost`);
  const settled = plane.usage();
  await swarm.end();
  await plane.end('SIGKILL'); // giving back ten thousand leases is not measured
  return { settled, peakMiB: settled.peakMiB, running };
}
