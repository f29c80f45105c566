/** How soon a person sees how a large sweep stands. */
import { fileURLToPath } from 'node:url';
import { PlaneProcess } from '../support/plane-process.js';
import type { Row } from '../support/rows.js';
import { run } from '../support/run.js';
import { median } from '../support/statistics.js';
import type { PartContext } from './part.js';

const MAIN = fileURLToPath(new URL('../../orchestrator/cli/main.js', import.meta.url));
const TIMES = 7;

export async function measureStatus({ quick, newFolder, say }: PartContext): Promise<readonly Row[]> {
  const trials = quick ? 10_000 : 100_000;
  const home = newFolder('status');
  const plane = await PlaneProcess.start(home);
  await plane.submit('status', trials);
  const commands = {
    node: ['-e', ''],
    version: [MAIN, '--version'],
    status: [MAIN, 'status', '--home', home],
  };
  const ms = { node: 0, version: 0, status: 0 };
  for (const name of ['node', 'version', 'status'] as const) {
    const times: number[] = [];
    for (let time = 0; time < TIMES; time += 1)
      times.push((await run(process.execPath, commands[name])).seconds * 1000);
    ms[name] = median(times);
  }
  await plane.end();
  say(
    `node ${ms.node.toFixed(0)} ms, dss --version ${ms.version.toFixed(0)} ms, dss status ${ms.status.toFixed(0)} ms`,
  );
  return [
    {
      what: `dss status, ${trials} trials`,
      unit: 'ms',
      value: ms.status,
      aim: { atMost: 300 },
      detail: `start to end of the process; node alone ${ms.node.toFixed(0)}, dss --version ${ms.version.toFixed(0)}; median of ${TIMES}`,
    },
  ];
}
