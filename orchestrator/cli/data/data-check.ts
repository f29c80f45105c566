/** What `dss data check` prints. */
import { resolve } from 'node:path';
import { EXIT_STATUS } from '../../core/errors.js';
import { counted, percent } from '../../reports/format.js';
import { type Table, teacherTable } from '../../reports/tables.js';
import { missingDataset } from '../../sources/missing-dataset.js';
import { resolveDatasets } from '../environment.js';
import { note, noteError, noteWithHint, print, printJson } from '../output.js';
import { renderTable } from '../table.js';
import {
  type CheckedDataset,
  type DataCheck,
  type DataCheckRequest,
  requestDataCheck,
  type TextTokens,
  teachersOf,
} from './data-check-request.js';

export interface CheckFlags {
  readonly names: readonly string[];
  readonly model: string | undefined;
  readonly datasets: string | undefined;
  readonly json: boolean;
}

/** Every dataset is looked at and shown; one with something wrong makes the exit status 2. */
export async function checkData({ names, model, datasets, json }: CheckFlags): Promise<number> {
  const answer = await checkedWithNames({
    root: resolveDatasets(datasets),
    names: [...new Set(names)],
    model: model === undefined ? null : resolve(model),
  });
  if (json) printJson(answer);
  else {
    const tables: readonly (readonly [string, Table])[] = [
      ['rows', splitTable(answer.datasets)],
      ['teachers', teacherTable(teachersOf(answer))],
      ['tokens', tokenTable(answer.datasets)],
      ['files', fileTable(answer.datasets)],
    ];
    const shown = tables.filter(([, { rows }]) => rows.length > 0);
    for (const [title, table] of shown) print(`${title}\n\n${renderTable(table)}\n`);
  }
  for (const dataset of answer.datasets) sayWhatIsWrong(dataset);
  return answer.datasets.some(isWrong) ? EXIT_STATUS.DATASET_INVALID : 0;
}

/** As Python answers, and of a dataset that is not there what else may have been meant. */
async function checkedWithNames(request: DataCheckRequest): Promise<DataCheck> {
  const { root, datasets } = await requestDataCheck(request);
  const named = datasets.map(async (dataset) => {
    if (dataset.layout !== null || !dataset.problems.some(({ code }) => code === 'DATASET_MISSING')) return dataset;
    const { code, message, hint } = await missingDataset(root, dataset.name);
    return { ...dataset, problems: [{ code, message, hint }] };
  });
  return { root, datasets: await Promise.all(named) };
}

function isWrong({ problems, wrong_rows }: CheckedDataset): boolean {
  return problems.length > 0 || wrong_rows.count > 0;
}

function sayWhatIsWrong({ name, layout, notes, problems, wrong_rows }: CheckedDataset): void {
  for (const { message, hint } of notes) noteWithHint(`note: ${name}: ${message}`, hint);
  // One that was not found is named by what is said of it.
  for (const { message, hint } of problems) noteError(layout === null ? message : `${name}: ${message}`, hint);
  if (wrong_rows.count === 0) return;
  const lacksField = wrong_rows.shown.some(({ message }) => message.startsWith('expected a field "'));
  const hint = lacksField ? '`fields:` in dataset.yaml says which field of a row is what (datasets/README.md)' : '';
  noteError(`${name}: ${counted(wrong_rows.count, 'wrong row')}`, hint);
  for (const { where, message } of wrong_rows.shown) note(`  ${where}: ${message}`);
  const more = wrong_rows.count - wrong_rows.shown.length;
  if (more > 0) note(`  and ${more.toLocaleString('en')} more`);
}

const left = (title: string) => ({ title, align: 'left' as const });
const right = (title: string) => ({ title, align: 'right' as const });

function splitTable(datasets: readonly CheckedDataset[]): Table {
  return {
    columns: [
      ...['dataset', 'layout', 'metric', 'split'].map(left),
      right('rows'),
      right('labels'),
      left('most frequent (% of rows)'),
    ],
    rows: datasets.flatMap(({ name, layout, metric, splits }) =>
      splits.map((split) => [
        name,
        layout ?? '',
        metric ?? '',
        split.split,
        String(split.rows),
        String(split.distinct_labels),
        balanceText(split),
      ]),
    ),
  };
}

const LABELS_IN_A_LINE = 3;

/** `neutral 33.10, entailment 32.90, …` */
function balanceText({ rows, distinct_labels, labels }: CheckedDataset['splits'][number]): string {
  const shown = labels
    .slice(0, LABELS_IN_A_LINE)
    .map(({ label, rows: count }) => `${label} ${percent(count / rows)}`)
    .join(', ');
  return distinct_labels > LABELS_IN_A_LINE ? `${shown}, …` : shown;
}

/** Nothing when no model directory was given. */
function tokenTable(datasets: readonly CheckedDataset[]): Table {
  return {
    columns: [...['dataset', 'split', 'text'].map(left), ...['mean', 'p50', 'p99', 'max', 'unknown %'].map(right)],
    rows: datasets.flatMap(({ name, splits, teachers }) => [
      ...splits.flatMap(({ split, tokens }) => [
        ...tokenRow([name, split, 'input'], tokens?.input),
        ...tokenRow([name, split, 'label'], tokens?.label),
      ]),
      ...teachers.flatMap(({ split, teacher, tokens }) =>
        tokenRow([name, split, teacher === null ? 'rationale' : `rationale of ${teacher}`], tokens?.rationale),
      ),
    ]),
  };
}

function tokenRow(names: readonly string[], tokens: TextTokens | null | undefined): readonly (readonly string[])[] {
  if (!tokens) return [];
  const { mean, p50, p99, max, unknown } = tokens;
  return [[...names, mean.toFixed(1), ...[p50, p99, max].map(String), percent(unknown)]];
}

function fileTable(datasets: readonly CheckedDataset[]): Table {
  return {
    columns: [left('file'), left('role'), right('bytes'), left('sha256')],
    rows: datasets.flatMap(({ files }) =>
      files.map(({ path, role, size_bytes, sha256 }) => [path, role, String(size_bytes), sha256]),
    ),
  };
}
