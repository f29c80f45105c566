/**
 * Stands in for `python -m dss_worker`: an agent that speaks to the control plane over the real wire, and succeeds at
 * whatever it is lent, without training. SCRIPTED_AGENT_LOG names a file that its start and every attempt it begins is
 * written to, SCRIPTED_AGENT_TORCH the torch that its results come from. With SCRIPTED_AGENT_HOLDS it ends nothing, and
 * gives back what it has when it is told to drain.
 */
import { appendFileSync } from 'node:fs';
import { ScriptedWorker } from './scripted-worker.js';
import { resultOf } from './trials.js';

const words = process.argv.slice(2);
const after = (flag: string) => words[words.indexOf(flag) + 1] ?? '';

if (words.includes('devices')) process.stdout.write('[]\n');
else if (words.includes('dss_worker.check_packages'))
  process.exitCode = 0; // it needs none
else if (words.includes('agent')) {
  const worker = new ScriptedWorker({
    address: after('--server'),
    joinToken: process.env['DSS_JOIN_TOKEN'] ?? '',
    hello: { workerId: after('--worker-id'), instanceId: `pid-${process.pid}`, pid: process.pid },
  });
  const log = process.env['SCRIPTED_AGENT_LOG'];
  const note = (what: string) => {
    if (log !== undefined) appendFileSync(log, `${process.pid} ${what}\n`);
  };
  note('started');
  for (;;) {
    const assign = await worker.next('assign').catch(() => null);
    if (assign === null) break; // the stream has ended, and so does an agent without a control plane
    const { lease, trial } = assign;
    note(lease.trialId);
    if (process.env['SCRIPTED_AGENT_HOLDS'] !== undefined) {
      const order = await worker.next('drain').catch(() => null);
      if (order === null) break;
      note('drained');
      await worker.acknowledged(worker.report({ kind: 'drained' })).catch(() => {});
      break;
    }
    worker.report({
      kind: 'log',
      lease,
      lines: [{ unixMs: Date.now(), stream: 'stdout', text: 'step 1' }],
      dropped: 0,
    });
    worker.report({ kind: 'metrics', lease, training: [{ step: 1, loss: 0.5 }], evaluations: [] });
    const result = resultOf((trial.settings.seed + 1) / 10);
    const torch = process.env['SCRIPTED_AGENT_TORCH'] ?? '2';
    worker.report({
      kind: 'finished',
      lease,
      result: { ...result, environment: { ...result.environment, torch } },
    });
  }
  worker.close();
} else throw new Error(`not an agent's words: ${words.join(' ')}`);
