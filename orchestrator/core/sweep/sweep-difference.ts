/** What tells two sets of trials apart that come under the same name, in words. */
import type { TrialSettings } from '../domain.js';
import { SweepError } from '../errors.js';
import { shortList } from '../text.js';

/** A trial as far as it is compared. */
export interface ComparedTrial {
  readonly trialId: string;
  readonly settings: TrialSettings;
}

export interface SettingDifference {
  readonly setting: keyof TrialSettings;
  /** Values that only the new set has, in its order. */
  readonly added: readonly unknown[];
  /** Values that only the old set has, in its order. */
  readonly gone: readonly unknown[];
}

export interface SweepDifference {
  /** Trials that only the new set has. */
  readonly added: number;
  /** Trials that only the old set has. */
  readonly gone: number;
  readonly settings: readonly SettingDifference[];
}

/** `null`: they are the same trials, whatever their order. Each set is gone through once, since it may be large. */
export function sweepDifference(
  former: Iterable<ComparedTrial>,
  asked: Iterable<ComparedTrial>,
): SweepDifference | null {
  const [before, after] = [outlineOf(former), outlineOf(asked)];
  const added = without(after.trialIds, before.trialIds).length;
  const gone = without(before.trialIds, after.trialIds).length;
  if (added === 0 && gone === 0) return null;
  const names = [...new Set([...before.values.keys(), ...after.values.keys()])];
  const settings = names.map((setting) => {
    const [old, fresh] = [before.values.get(setting) ?? new Set(), after.values.get(setting) ?? new Set()];
    return { setting, added: without(fresh, old), gone: without(old, fresh) };
  });
  return { added, gone, settings: settings.filter((each) => each.added.length + each.gone.length > 0) };
}

export function sweepChanged(sweep: string, difference: SweepDifference): SweepError {
  return new SweepError('SWEEP_CHANGED', `sweep "${sweep}" has other trials: ${describeDifference(difference)}`, {
    hint: '--extend adds them to it; or give the sweep another name',
  });
}

/** `4 are new (seed 3 and 4), 2 are gone (alpha 0.3)`. */
export function describeDifference({ added, gone, settings }: SweepDifference): string {
  const parts = [
    side(added, 'new', settings, (each) => each.added),
    side(gone, 'gone', settings, (each) => each.gone),
  ].filter((part) => part !== '');
  if (settings.length > 0) return parts.join(', ');
  // Ids are made of what files hold, too.
  const why =
    added > 0 && gone > 0
      ? 'no setting has another value: the files of a model or a dataset have changed, this dss trains otherwise, or the same values are combined otherwise'
      : 'no setting has another value: the same values are combined otherwise';
  return `${parts.join(', ')}; ${why}`;
}

function side(
  count: number,
  word: string,
  settings: readonly SettingDifference[],
  valuesOfSide: (each: SettingDifference) => readonly unknown[],
): string {
  if (count === 0) return '';
  const which = settings
    .filter((each) => valuesOfSide(each).length > 0)
    .map(
      (each) =>
        `${each.setting} ${shortList(valuesOfSide(each).map((value) => (value === null ? 'none' : String(value))))}`,
    );
  const said = `${count.toLocaleString('en')} ${count === 1 ? 'is' : 'are'} ${word}`;
  return which.length === 0 ? said : `${said} (${which.join('; ')})`;
}

interface Outline {
  readonly trialIds: ReadonlySet<string>;
  readonly values: ReadonlyMap<keyof TrialSettings, ReadonlySet<unknown>>;
}

function outlineOf(trials: Iterable<ComparedTrial>): Outline {
  const trialIds = new Set<string>();
  const values = new Map<keyof TrialSettings, Set<unknown>>();
  for (const { trialId, settings } of trials) {
    trialIds.add(trialId);
    for (const [name, value] of Object.entries(settings) as [keyof TrialSettings, unknown][]) {
      const known = values.get(name) ?? new Set();
      values.set(name, known.add(value));
    }
  }
  return { trialIds, values };
}

function without<T>(these: ReadonlySet<T>, others: ReadonlySet<T>): readonly T[] {
  return [...these].filter((each) => !others.has(each));
}
