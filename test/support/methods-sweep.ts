/** A state folder with a sweep of four trials: two are done, one has failed, one waits. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Trial } from '../../orchestrator/core/domain.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { partOf } from './parts.js';
import { evaluationOf, failed, resultOf, trialOf } from './records.js';

export const STANDARD = { ...trialOf({ model_type: 'standard' }), trialId: `aa${'0'.repeat(18)}` };
export const STEP_BY_STEP = { ...trialOf({}), trialId: `ab${'1'.repeat(18)}` };
export const BROKEN = { ...trialOf({ seed: 1, model: 'a|\u001b[31mred' }), trialId: `bb${'2'.repeat(18)}` };
export const WAITING = { ...trialOf({ seed: 1, model_type: 'standard' }), trialId: `cc${'3'.repeat(18)}` };

/** As `methods`, by the real journal. */
export function writeMethodsSweep(home: string): void {
  const journal = openJournal(home);
  const trials = [STANDARD, STEP_BY_STEP, BROKEN, WAITING];
  const begin = ({ trialId }: Trial, atUnixMs: number) => {
    const event = journal.begin(trialId, 'w0', atUnixMs);
    return event.lease;
  };
  journal.transaction(() => journal.submit(partOf('methods', [], { trials }), 1_000));
  journal.transaction(() => {
    journal.finish(begin(STANDARD, 2_000), resultOf({ testAccuracy: 0.25 }), 12_000);
    const lease = begin(STEP_BY_STEP, 12_000);
    const points = [
      { step: 50, loss: 3 },
      { step: 100, loss: 2.5 },
    ];
    journal.measure(lease, { training: points, evaluations: [evaluationOf()] }, 20_000);
    journal.finish(lease, resultOf({ testAccuracy: 0.75 }), 22_000);
    const failure = failed({}, { message: 'the loss at step 3 is nan\u0007' }).failure;
    if (failure !== null) journal.fail(begin(BROKEN, 22_000), failure, 23_000);
  });
  journal.close();
  mkdirSync(join(home, 'logs'), { recursive: true });
  const line = '2026-11-24T10:00:00.000Z attempt=1 stdout | step 50';
  writeFileSync(join(home, 'logs', `${STEP_BY_STEP.trialId}.log`), `${line}\n${line.replace('50', '100\u001b[2J')}\n`);
}
