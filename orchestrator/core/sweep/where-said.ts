/** Where a sweep file says what a setting of a cell is. */
import { type Cell, matches } from './grid.js';
import { axisOf, DEFAULTS, type SettingName } from './settings.js';
import type { SpecIssue } from './spec-error.js';
import type { SweepSpec } from './sweep-spec.js';

/** The cell's dataset for what no file says, since a default is wrong for some dataset only. */
export function whereSaid(spec: SweepSpec, { asked }: Cell, setting: SettingName): SpecIssue['path'] {
  const overriding = spec.overrides.findLastIndex(
    ({ when, set }) => set[setting] !== undefined && matches(when, asked),
  );
  if (overriding >= 0) return ['overrides', overriding, 'set', setting];
  if (spec.varied.includes(setting)) return ['grid', axisOf(setting), spec.axes[setting].indexOf(asked[setting])];
  const isDefault = setting in DEFAULTS && DEFAULTS[setting as keyof typeof DEFAULTS] === asked[setting];
  return isDefault ? ['grid', 'datasets', spec.axes.dataset.indexOf(asked.dataset)] : ['train', setting];
}
