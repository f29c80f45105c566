/** Trials by number, and what they may report. */
import type { Evaluation, Failure, Trial, TrialResult, TrialSettings } from '../../orchestrator/core/domain.js';
import { PLAIN_RUN, resultOf as plainResult, settingsOf } from './records.js';

const MODEL: Trial['model'] = {
  directory: '/models/tiny',
  files: [{ path: 'config.json', sha256: 'a'.repeat(64), sizeBytes: 700, role: 'config' }],
};

const DATASET: Trial['dataset'] = {
  directory: '/datasets',
  layout: 'release',
  files: [{ path: 'cqa/cqa_train.json', sha256: 'b'.repeat(64), sizeBytes: 2 ** 33, role: 'train' }],
  metric: 'text',
  fields: {},
  templates: {},
  choices: [],
};

/** 20 hex digits. */
export function trialIdOf(number: number): string {
  return number.toString(16).padStart(20, '0');
}

export function trialOf(number: number, settings: Partial<TrialSettings> = {}): Trial {
  return {
    trialId: trialIdOf(number),
    settings: settingsOf({ model_type: 'standard', seed: number, ...settings }),
    model: MODEL,
    dataset: DATASET,
    run: PLAIN_RUN,
  };
}

export function trialsOf(count: number, from = 1): readonly Trial[] {
  return Array.from({ length: count }, (_, index) => trialOf(from + index));
}

export function resultOf(testAccuracy: number): TrialResult {
  return plainResult({ testAccuracy, secondsByPhase: { load: 1, train: 10, evaluate: 1.5 } });
}

export function failureOf(kind: Failure['kind'], code = 'INTERNAL'): Failure {
  return { code, message: `it was ${kind}`, hint: 'look again', detail: 'line 1\nline 2', kind };
}

export function evaluationOf(step: number, split: Evaluation['split'] = 'valid'): Evaluation {
  return {
    step,
    split,
    loss: 0.5,
    accuracy: 0.75,
    rows: 12,
    correct: new Uint8Array([0b10110111, 0b1010]),
    choiceAccuracy: null,
  };
}
