/** The experiment that a sweep goes into. */
import { SweepError } from '../../core/errors.js';
import { MlflowRefusal, type MlflowRest } from './rest.js';

export interface Experiment {
  readonly experimentId: string;
  readonly isNew: boolean;
}

/** Found by its name, or made. @throws SweepError */
export async function experimentOf(rest: MlflowRest, name: string, sweep: string): Promise<Experiment> {
  const found = await byName(rest, name);
  if (found !== null) return { experimentId: found, isNew: false };
  try {
    const made = await rest.post('experiments/create', { name, tags: [{ key: 'dss.sweep', value: sweep }] });
    return { experimentId: String(made['experiment_id']), isNew: true };
  } catch (reason) {
    // Somebody else was as quick.
    const other = isReason(reason, 'RESOURCE_ALREADY_EXISTS') ? await byName(rest, name) : null;
    if (other === null) throw reason;
    return { experimentId: other, isNew: false };
  }
}

async function byName(rest: MlflowRest, name: string): Promise<string | null> {
  try {
    const { experiment } = (await rest.get('experiments/get-by-name', { experiment_name: name })) as {
      experiment: { experiment_id: string; lifecycle_stage?: string };
    };
    if (experiment.lifecycle_stage !== 'deleted') return experiment.experiment_id;
  } catch (reason) {
    if (isReason(reason, 'RESOURCE_DOES_NOT_EXIST')) return null;
    throw reason;
  }
  throw new SweepError('USAGE', `MLflow: experiment "${name}" was deleted there`, {
    hint: 'restore it (`mlflow experiments restore`), or name another with MLFLOW_EXPERIMENT_NAME',
  });
}

function isReason(reason: unknown, word: string): boolean {
  return reason instanceof MlflowRefusal && reason.reason === word;
}
