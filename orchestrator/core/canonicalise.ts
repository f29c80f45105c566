/** Asked → trained: takes out of a cell what has no effect on its training, and says which rule did so. */
import type { TrialSettings } from './domain.js';
import type { AppliedRule, Cell } from './grid.js';
import type { SettingName } from './settings.js';
import type { DatasetFacts, ModelFacts } from './source-facts.js';

export interface CanonicalCell {
  readonly settings: TrialSettings;
  readonly applied: readonly AppliedRule[];
}

/** Canonical settings are equal exactly when the same is trained on the same; see `identify` for model and data. */
export function canonicalise({ settings, applied }: Cell, model: ModelFacts, dataset: DatasetFacts): CanonicalCell {
  const { checkpoint_steps: _, ...kept } = settings;
  const rules: AppliedRule[] = [...applied];
  const ruled = <T>(setting: SettingName, rule: string, value: T): T => {
    rules.push({ setting, rule });
    return value;
  };
  rules.push({ setting: 'checkpoint_steps', rule: 'checkpoint_steps changes no result' });
  const isStandard = settings.model_type === 'standard';
  return {
    settings: {
      ...kept,
      llm: teacherOf(),
      alpha: isStandard ? ruled('alpha', 'alpha has no effect under standard', null) : settings.alpha,
      eval_steps:
        settings.eval_steps > settings.max_steps
          ? ruled('eval_steps', 'eval_steps is capped at max_steps', settings.max_steps)
          : settings.eval_steps,
      dropout: settings.dropout ?? ruled('dropout', "dropout is the model's own", model.dropout),
    },
    applied: rules,
  };

  function teacherOf(): TrialSettings['llm'] {
    if (dataset.source.layout === 'folder') {
      return ruled('llm', 'llm has no effect on a dataset whose rows hold the teacher', null);
    }
    if (isStandard && settings.label_type === 'gt') {
      return ruled('llm', 'llm has no effect under standard with gt', null);
    }
    return settings.llm === 'none' ? null : settings.llm;
  }
}

/** Whether a trial reads what a teacher wrote. */
export function readsTeacher({ model_type, label_type }: Pick<TrialSettings, 'model_type' | 'label_type'>): boolean {
  return model_type === 'task_prefix' || label_type === 'llm';
}
