/** Methods as people call them. */
import type { ModelType } from '../core/domain.js';

export const METHODS: Readonly<Record<ModelType, string>> = {
  standard: 'standard',
  task_prefix: 'step-by-step',
  single_task: 'single-task',
};
