/** What of a teacher's a trial has a use for. */
import type { ModelType, TrialSettings } from '../domain.js';

/** Only a model that has learned to explain can be asked for rationales, too. */
export function readsRationales(modelType: ModelType): boolean {
  return modelType !== 'standard';
}

/** Whether a trial reads what a teacher wrote. */
export function readsTeacher({ model_type, label_type }: Pick<TrialSettings, 'model_type' | 'label_type'>): boolean {
  return readsRationales(model_type) || label_type === 'llm';
}
