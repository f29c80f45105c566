/** What a trial is called in lines for people, among the others of its sweep. */
import type { TrialSettings } from '../../core/domain.js';
import { oneLine } from '../../core/text.js';
import { settingWords, varyingNames } from '../../reports/varying-settings.js';

export type NameTrial = (settings: TrialSettings) => string;

const ALWAYS: ReadonlySet<string> = new Set(['model', 'dataset', 'label_type', 'model_type', 'seed']);

/** Beside what every line has, the settings that vary in the sweep, where they mean something to the trial. */
export function trialNames(all: Iterable<TrialSettings>): NameTrial {
  const varying = [...varyingNames(all)].filter((name) => !ALWAYS.has(name));
  return (settings) => {
    const { model, dataset, label_type, model_type, seed } = settings;
    const own = varying.filter((name) => settings[name as keyof TrialSettings] !== null);
    const words = own.map((name) => settingWords(settings, name));
    return oneLine([model.split('/').at(-1), dataset, label_type, model_type, ...words, `seed ${seed}`].join(' '));
  };
}
