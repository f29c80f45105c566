/** Many simulated workers in a process of their own: `swarm.js OPTIONS`. Counts when asked. */
import { SimulatedWorker, type Tally } from './simulated-worker.js';
import type { SwarmCounts, SwarmGaps, SwarmOptions, SwarmQuestion } from './swarm-options.js';

const options = JSON.parse(process.argv[2] ?? '') as SwarmOptions;
const tally: Tally = { lent: 0, finished: 0, points: 0, gapsMs: [] };
for (let number = 0; number < options.sessions; number += 1) new SimulatedWorker(number, options, tally);
process.on('message', (question: SwarmQuestion) => {
  const { gapsMs, ...counts } = tally;
  process.send?.(question === 'gaps' ? (gapsMs satisfies SwarmGaps) : (counts satisfies SwarmCounts));
});
process.on('disconnect', () => process.exit(0));
