/** Asked → trained: takes out of a cell what has no effect on its training, and says which rule did so. */
import type { TrialSettings } from '../domain.js';
import type { AppliedRule, Cell } from './grid.js';
import { readsTeacher } from './reads-teacher.js';
import { withoutRunSettings } from './run-options.js';
import { RUN_NAMES, type SettingName } from './settings.js';
import type { DatasetFacts, ModelFacts } from './source-facts.js';

export interface CanonicalCell {
  readonly settings: TrialSettings;
  readonly applied: readonly AppliedRule[];
}

/** Tokens of an output that holds a rationale before its label. */
const WITH_RATIONALE = 256;

/** Canonical settings are equal exactly when the same is trained on the same; see `identify` for model and data. */
export function canonicalise({ settings, applied }: Cell, model: ModelFacts, dataset: DatasetFacts): CanonicalCell {
  const rules: AppliedRule[] = [...applied];
  const ruled = <T>(setting: SettingName, rule: string, value: T): T => {
    rules.push({ setting, rule });
    return value;
  };
  for (const name of RUN_NAMES) rules.push({ setting: name, rule: `${name} changes no result` });
  const { model_type, adapter } = settings;
  const ofAdapter = (name: 'lora_rank' | 'lora_alpha') =>
    adapter === 'none' ? ruled(name, `${name} has no effect without an adapter`, null) : settings[name];
  return {
    settings: {
      ...withoutRunSettings(settings),
      llm: teacherOf(),
      alpha:
        model_type === 'task_prefix' ? settings.alpha : ruled('alpha', `alpha has no effect under ${model_type}`, null),
      gen_max_len:
        model_type === 'single_task'
          ? ruled('gen_max_len', `gen_max_len is ${WITH_RATIONALE} under single_task`, WITH_RATIONALE)
          : settings.gen_max_len,
      eval_steps:
        settings.eval_steps > settings.max_steps
          ? ruled('eval_steps', 'eval_steps is capped at max_steps', settings.max_steps)
          : settings.eval_steps,
      dropout: settings.dropout ?? ruled('dropout', "dropout is the model's own", model.dropout),
      lora_rank: ofAdapter('lora_rank'),
      lora_alpha: ofAdapter('lora_alpha'),
    },
    applied: rules,
  };

  function teacherOf(): TrialSettings['llm'] {
    if (hasNamelessTeacher(dataset)) {
      return ruled('llm', 'llm has no effect on a dataset whose rows hold the teacher', null);
    }
    if (!readsTeacher(settings)) {
      return ruled('llm', 'llm has no effect under standard with gt', null);
    }
    return settings.llm === 'none' ? null : settings.llm;
  }
}

/** Whether the rows hold a teacher's outputs that `llm` has no word for. */
export function hasNamelessTeacher({ source, declaredTeachers }: DatasetFacts): boolean {
  return source.layout === 'folder' && declaredTeachers.length === 0;
}
