/** Two sweeps side by side, as files in a folder. */
import { join } from 'node:path';
import { accuracyInPairs } from './comparisons.js';
import { framedPage, list, note, table } from './html/page-frame.js';
import { markdownBullets, markdownTable } from './markdown.js';
import { cellSummary, inferenceValue } from './summary-json.js';
import type { TwoSweeps } from './two-sweeps.js';
import {
  aloneLines,
  environmentTable,
  settingsTable,
  TWINS_NOTE,
  twinsTable,
  twoSweepsAnswer,
} from './two-sweeps-tables.js';
import { writeFile } from './write-file.js';

export interface TwoSweepsFiles {
  readonly page: string;
  readonly markdown: string;
  readonly summary: string;
}

export async function writeTwoSweeps(folder: string, two: TwoSweeps, version: string): Promise<TwoSweepsFiles> {
  const files = {
    page: join(folder, 'comparison.html'),
    markdown: join(folder, 'comparison.md'),
    summary: join(folder, 'comparison.json'),
  };
  await writeFile(files.page, [twoSweepsPage(two, version)]);
  await writeFile(files.markdown, [twoSweepsMarkdown(two)]);
  await writeFile(files.summary, [`${JSON.stringify(twoSweepsValue(two), null, 2)}\n`]);
  return files;
}

export function twoSweepsPage(two: TwoSweeps, version: string): string {
  const { first, second } = two;
  return framedPage({
    title: `${first.sweep} and ${second.sweep}`,
    heading: `${first.sweep} beside ${second.sweep}`,
    lead: `${first.counts.succeeded} of ${first.total} trials done, and ${second.counts.succeeded} of ${second.total}. dss ${version}.`,
    answer: twoSweepsAnswer(two),
    sections: [
      { id: 'settings', title: 'Settings', body: table(settingsTable(two), 'Values that only one of the two has') },
      { id: 'environment', title: 'Environment', body: table(environmentTable(two), 'What results came from') },
      {
        id: 'results',
        title: 'Results',
        body:
          two.twins.length === 0
            ? []
            : [
                note(TWINS_NOTE),
                ...table(twinsTable(two), 'Cells that both have', Object.keys(first.cells[0]?.settings ?? {})),
              ],
      },
      {
        id: 'alone',
        title: 'Without a partner',
        body: list(aloneLines(two), 'Cells that only one of the two has, or that several of the other would fit:'),
      },
    ],
  });
}

export function twoSweepsMarkdown(two: TwoSweeps): string {
  const section = (title: string, body: string, lead = '') => (body === '' ? [] : [`## ${title}`, lead, body]);
  const tableText = (each: Parameters<typeof markdownTable>[0]) => (each.rows.length === 0 ? '' : markdownTable(each));
  return [
    `# ${two.first.sweep} beside ${two.second.sweep}`,
    markdownBullets(twoSweepsAnswer(two)),
    ...section('Settings', tableText(settingsTable(two))),
    ...section('Environment', tableText(environmentTable(two))),
    ...section('Results', tableText(twinsTable(two)), TWINS_NOTE),
    ...section('Without a partner', markdownBullets(aloneLines(two))),
  ]
    .filter((block) => block !== '')
    .join('\n\n')
    .concat('\n');
}

export function twoSweepsValue(two: TwoSweeps): Readonly<Record<string, unknown>> {
  const { first, second, difference, changed, environment, twins, onlyFirst, onlySecond } = two;
  return {
    first: first.sweep,
    second: second.sweep,
    settings: difference?.settings ?? [],
    changed_settings: changed,
    changed_environment: environment,
    cells: twins.map((each) => ({
      first: cellSummary({ ...each.first, accuracy: accuracyInPairs(each.first, each.pairs) }),
      second: cellSummary({ ...each.second, accuracy: accuracyInPairs(each.second, each.pairs) }),
      by_seed: each.pairs,
      same_trials: each.isSame,
      ...(each.inference === null ? {} : inferenceValue(each.inference)),
    })),
    only_first: onlyFirst.map(cellSummary),
    only_second: onlySecond.map(cellSummary),
  };
}
