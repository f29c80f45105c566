import assert from 'node:assert/strict';
import { join } from 'node:path';
import { requestDataCheck } from '../../orchestrator/cli/data/data-check-request.js';
import { readDataset } from '../../orchestrator/sources/dataset-source.js';
import { temporaryFolder } from '../support/dss.js';
import { contextIn } from '../support/source-context.js';
import { linesOf, writeFiles } from '../support/sources.js';

const ROW = { input: 'q', label: 'yes', rationale: 'because', llm_label: 'no', why: 'w', options: ['yes', 'no'] };
const { rationale: _, ...WITHOUT_RATIONALE } = ROW;
const { llm_label: _label, ...UNTAUGHT } = WITHOUT_RATIONALE;

interface Files {
  readonly yaml?: string;
  readonly train?: string;
  readonly test?: string;
}

const text = (change: object) => linesOf([ROW, { ...ROW, ...change }]);

const SOUND: Readonly<Record<string, Files>> = {
  'no description': {},
  'no teacher': { train: linesOf([UNTAUGHT]), test: linesOf([UNTAUGHT]) },
  'a test row without the rationale': { test: linesOf([WITHOUT_RATIONALE]) },
  'named teachers': { yaml: 'teachers: { a: { rationale: why }, b: { rationale: rationale, llm_label: llm_label } }' },
  'choices of all rows, which are no truth values': { yaml: 'choices: [yes, no]' },
  'choices of each row': { yaml: 'fields: { choices: options }' },
  'empty sections': { yaml: 'fields:\ntemplates:\n' },
  'a template': { yaml: 'templates: { input: "{input}{why}" }' },
  'a byte order mark and empty lines': { train: `\ufeff\n${linesOf([ROW])} \t\r\n` },
};

const WRONG: Readonly<Record<string, Files>> = {
  'an empty description': { yaml: '' },
  'a description of comments': { yaml: '# metric: text' },
  'a key given twice': { yaml: 'metric: text\nmetric: equation' },
  'a key given twice below': { yaml: 'fields: { input: input, input: why }' },
  'two documents': { yaml: 'metric: text\n---\nmetric: text' },
  'a merge key': { yaml: 'fields: &a { input: input }\ntemplates: { <<: *a }' },
  'a metric of null': { yaml: 'metric:' },
  'a template without a placeholder': { yaml: 'templates: { input: question }' },
  'a template with an empty placeholder': { yaml: 'templates: { input: "{}{input}" }' },
  'a field that is a number': { yaml: 'fields: { input: 1 }' },
  'a field that is null': { yaml: 'fields: { input: }' },
  'a teacher called none': { yaml: 'teachers: { none: { rationale: why } }' },
  'a teacher with a space': { yaml: 'teachers: { a b: { rationale: why } }' },
  'a teacher without fields': { yaml: 'teachers: { a: {} }' },
  'a teacher of null': { yaml: 'teachers: { a: }' },
  'no teachers': { yaml: 'teachers: {}' },
  'teachers of null': { yaml: 'teachers:' },
  'a teacher twice': { yaml: 'teachers: { a: { rationale: why } }\nfields: { rationale: why }' },
  "a named teacher's field that no row has": { yaml: 'teachers: { a: { rationale: nowhere } }' },
  'one choice': { yaml: 'choices: [yes]' },
  'a choice twice': { yaml: 'choices: [yes, no, yes]' },
  'a choice that is a number': { yaml: 'choices: [yes, 1]' },
  'choices of null': { yaml: 'choices:' },
  'choices twice': { yaml: 'choices: [yes, no]\nfields: { choices: options }' },
  'a label that no choice is': { yaml: 'choices: [no, maybe]' },
  'a label that is not among the choices of its row': {
    yaml: 'fields: { choices: options }',
    test: text({ options: ['no'] }),
  },
  'a row without choices': { yaml: 'fields: { choices: options }', test: text({ options: null }) },
  'a rationale missing in one row': { train: linesOf([ROW, WITHOUT_RATIONALE]) },
  'a rationale of null in one row': { train: text({ rationale: null }) },
  'a rationale that is a number': { train: text({ rationale: 5 }) },
  'NaN in a row': { train: `${linesOf([ROW])}{"input":"q","label":"yes","rationale":"r","llm_label":"n","x":NaN}\n` },
  'an infinity in a row': { test: '{"input":"q","label":"yes","x":-Infinity}\n' },
  'a line of a space that is none in JSON': { test: `${linesOf([ROW])}\u00a0\n` },
  'half of a surrogate pair': { test: '{"input":"q\\ud800","label":"yes"}\n' },
  'no rows': { test: '\n\n' },
};

/** Every dataset of a list under the name of its number, seen by both. */
async function verdicts(datasets: Readonly<Record<string, Files>>) {
  using folder = temporaryFolder();
  const root = join(folder.path, 'data');
  const names = Object.values(datasets).map(({ yaml, train, test }, index) => {
    writeFiles(join(root, `set-${index}`), {
      'train.jsonl': train ?? linesOf([ROW]),
      'test.jsonl': test ?? linesOf([ROW]),
      ...(yaml === undefined ? {} : { 'dataset.yaml': yaml }),
    });
    return `set-${index}`;
  });
  const { datasets: found } = await requestDataCheck({ root, names, model: null });
  const context = await contextIn(join(folder.path, 'home'));
  return await Promise.all(
    Object.keys(datasets).map(async (what, index) => {
      const { problem, teachers } = await readDataset(root, names[index] ?? '', new Set(), context);
      const all = [problem, ...Object.values(teachers).flatMap((each) => [each?.rationales, each?.labels])];
      // A teacher that said nothing at all is no mistake of the dataset's.
      const refused = all.find(
        (each) => each?.code === 'DATASET_INVALID' || / no field "nowhere"/.test(each?.message ?? ''),
      );
      const { problems = [], wrong_rows } = found[index] ?? {};
      const said = [...problems, ...(wrong_rows?.shown ?? [])].map(({ message }) => message);
      return { what, byCheck: said, byPlan: refused?.message };
    }),
  );
}

describe('dss data check and the plan of a sweep', () => {
  it('accept the same datasets', async () => {
    for (const { what, byCheck, byPlan } of await verdicts(SOUND)) {
      assert.deepEqual([byCheck, byPlan], [[], undefined], what);
    }
  });

  it('refuse the same datasets', async () => {
    for (const { what, byCheck, byPlan } of await verdicts(WRONG)) {
      assert.ok(byCheck.length > 0, `dss data check accepts: ${what} (the plan says: ${byPlan})`);
      assert.ok(byPlan !== undefined, `the plan accepts: ${what} (dss data check says: ${byCheck.join('; ')})`);
    }
  });
});
