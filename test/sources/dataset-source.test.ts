import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Teacher } from '../../orchestrator/core/domain.js';
import { readDataset } from '../../orchestrator/sources/dataset-source.js';
import { temporaryFolder } from '../support/dss.js';
import { contextIn } from '../support/source-context.js';
import { linesOf, OWN_FILES, SVAMP_FILES, svampRows, writeFiles } from '../support/sources.js';

async function factsOf(name: string, files: Readonly<Record<string, unknown>>, ...teachers: Teacher[]) {
  using folder = temporaryFolder();
  const root = join(folder.path, 'data');
  writeFiles(root, { 'README.md': '', ...files });
  return await readDataset(root, name, new Set(teachers), await contextIn(join(folder.path, 'home')));
}

const without = (files: Readonly<Record<string, unknown>>, path: string) =>
  Object.fromEntries(Object.entries(files).filter(([name]) => name !== path));

const CQA_ROW = { question: 'q?', choices: ['a', 'b', 'c', 'd', 'e'], answer: 'a' };
const CQA_FILES = { 'cqa/cqa_train.json': linesOf(Array(12).fill(CQA_ROW)), 'cqa/cqa_test.json': linesOf([CQA_ROW]) };
const ASDIV_ROW = { Body: 'b', Question: 'q?', Formula: '2+1=3', Answer: '3 (pens)' };
const ASDIV_FILES = {
  ...SVAMP_FILES,
  'asdiv/asdiv_train.json': linesOf(Array(3).fill(ASDIV_ROW)),
  'asdiv/llm/train_CoT_0.json': Array(2).fill('The answer is (2 + 1).'),
};
const NLI_ROWS = [0, 1, 2, 'neutral'].map((label) => ({ premise: 'p', hypothesis: 'h', label }));
const NLI_FILES = Object.fromEntries(
  ['train', 'valid', 'test'].map((split) => [`anli1/anli1_${split}.json`, linesOf(NLI_ROWS)]),
);

/** A dataset's files under another name. */
const renamed = (files: Readonly<Record<string, unknown>>, from: string, to: string) =>
  Object.fromEntries(Object.entries(files).map(([path, content]) => [path.replaceAll(from, to), content]));

describe("a dataset in the release's layout", () => {
  it('is known by its files, in reading order, and by its metric', async () => {
    const { source, trainRows, problem, teachers } = await factsOf('svamp', SVAMP_FILES, 'palm');
    assert.deepEqual([problem, trainRows, source.layout, source.metric], [null, 20, 'release', 'equation']);
    assert.deepEqual(
      [...source.files, ...(teachers.palm?.files ?? [])].map(({ path, role }) => `${role} ${path}`),
      [
        'train svamp/svamp_train.json',
        'test svamp/svamp_test.json',
        'teacher svamp/llm/train_CoT_0.json',
        'teacher svamp/llm/train_CoT_1.json',
      ],
    );
    assert.deepEqual([teachers.palm?.rows, teachers.palm?.rationales, teachers.gpt], [20, null, undefined]);
  });

  it('has its teacher files in the order of their numbers', async () => {
    const parts = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`cqa/llm/train_CoT_${i}.json`, ['x']]));
    const { teachers } = await factsOf('cqa', { ...CQA_FILES, ...parts }, 'palm');
    assert.deepEqual(
      teachers.palm?.files.map(({ path }) => Number(/\d+/.exec(path)?.[0])),
      Array.from({ length: 12 }, (_, i) => i),
    );
  });

  it('may have more training rows than its teacher wrote about, and GPT-NeoX outputs beside it', async () => {
    const { teachers } = await factsOf('cqa', { ...CQA_FILES, 'gpt-neox/cqa/train.json': Array(11).fill('x') }, 'gpt');
    assert.deepEqual([teachers.gpt?.rows, teachers.gpt?.rationales], [11, null]);
  });

  it('needs no valid file, unless the release has one', async () => {
    assert.equal((await factsOf('anli1', NLI_FILES)).problem, null);
    const { problem } = await factsOf('anli1', without(NLI_FILES, 'anli1/anli1_valid.json'));
    assert.match(problem?.message ?? '', /dataset "anli1" is not complete: there is no anli1\/anli1_valid\.json in /);
  });

  it('may have outputs of GPT-NeoX for each of its datasets', async () => {
    const rows = { svamp: SVAMP_FILES, cqa: CQA_FILES, anli1: NLI_FILES, esnli: renamed(NLI_FILES, 'anli1', 'esnli') };
    for (const [name, files] of Object.entries(rows)) {
      const path = `gpt-neox/${name}/train.json`;
      const { problem, teachers } = await factsOf(name, { ...files, [path]: ['x'] }, 'gpt');
      assert.deepEqual([problem, teachers.gpt?.files.map((file) => file.path)], [null, [path]]);
      const absent = await factsOf(name, files, 'gpt');
      assert.match(
        absent.teachers.gpt?.rationales?.message ?? '',
        new RegExp(`lacks outputs of gpt: there is no ${path}`),
      );
    }
  });

  const teacherCases: readonly [string, Readonly<Record<string, unknown>>, string, RegExp][] = [
    [
      'none at all',
      CQA_FILES,
      'DATASET_MISSING',
      /dataset "cqa" lacks outputs of palm: there is no cqa\/llm\/train_CoT_0\.json/,
    ],
    [
      'a part that is missing',
      without(SVAMP_FILES, 'svamp/llm/train_CoT_0.json'),
      'DATASET_MISSING',
      /there is no svamp\/llm\/train_CoT_0\.json/,
    ],
    [
      'more outputs than rows',
      { ...SVAMP_FILES, 'svamp/llm/train_CoT_1.json': Array(9).fill('x') },
      'DATASET_INVALID',
      /expected at most 20 outputs, one for each training row, got 21/,
    ],
    [
      'no list',
      { ...SVAMP_FILES, 'svamp/llm/train_CoT_1.json': {} },
      'DATASET_INVALID',
      /train_CoT_1\.json: expected a JSON array of texts, got an object/,
    ],
    [
      'an output that is no text',
      { ...SVAMP_FILES, 'svamp/llm/train_CoT_1.json': ['x', 3] },
      'DATASET_INVALID',
      /train_CoT_1\.json\[1\]: expected a text, got 3/,
    ],
    [
      'an empty file',
      { ...SVAMP_FILES, 'svamp/llm/train_CoT_1.json': '' },
      'DATASET_INVALID',
      /expected a JSON array of texts, got nothing/,
    ],
  ];
  for (const [what, files, code, message] of teacherCases) {
    it(`is refused to trials that read the teacher alone: ${what}`, async () => {
      const name = files === CQA_FILES ? 'cqa' : 'svamp';
      const { problem, teachers } = await factsOf(name, files, 'palm');
      assert.equal(problem, null);
      assert.deepEqual([teachers.palm?.rationales?.code, teachers.palm?.labels?.code], [code, code]);
      assert.match(teachers.palm?.rationales?.message ?? '', message);
    });
  }

  const broken: readonly [string, string, Readonly<Record<string, unknown>>, RegExp][] = [
    ['nothing', 'svamp', {}, /there is no dataset "svamp" in /],
    [
      'a folder without rows',
      'svamp',
      { 'svamp/SVAMP.json': '[]' },
      /dataset "svamp" has no svamp_train\.json and no train\.jsonl/,
    ],
    ['no test split', 'svamp', without(SVAMP_FILES, 'svamp/svamp_test.json'), /there is no svamp\/svamp_test\.json/],
    [
      'no training split',
      'svamp',
      without(SVAMP_FILES, 'svamp/svamp_train.json'),
      /there is no svamp\/svamp_train\.json/,
    ],
    [
      'an empty split',
      'svamp',
      { ...SVAMP_FILES, 'svamp/svamp_test.json': '\n\n' },
      /svamp_test\.json: expected at least one row, got none/,
    ],
    [
      'a line that is no JSON',
      'svamp',
      { ...SVAMP_FILES, 'svamp/svamp_train.json': `${linesOf(svampRows(2))}\n{"input"` },
      /svamp_train\.json:4: expected JSON/,
    ],
    [
      'a line that is no object',
      'svamp',
      { ...SVAMP_FILES, 'svamp/svamp_train.json': '[1]\n' },
      /svamp_train\.json:1: expected a JSON object, got an array of 1/,
    ],
    [
      'a field that is absent',
      'svamp',
      { ...SVAMP_FILES, 'svamp/svamp_train.json': linesOf([{ input: 'x' }, { input: 'y' }]) },
      /svamp_train\.json:1: expected a field "label", got only input \(and 1 more wrong rows?\)/,
    ],
    [
      'half of a surrogate pair',
      'svamp',
      { ...SVAMP_FILES, 'svamp/svamp_train.json': '{"input":"\\ud800","label":"x"}\n' },
      /half of a surrogate pair/,
    ],
    [
      'bytes that are no UTF-8',
      'svamp',
      { ...SVAMP_FILES, 'svamp/svamp_test.json': Buffer.from('{"input":"\u00e9"}\n', 'latin1') },
      /svamp_test\.json:1: expected UTF-8/,
    ],
    [
      'four choices',
      'cqa',
      { ...CQA_FILES, 'cqa/cqa_test.json': linesOf([{ ...CQA_ROW, choices: ['a'] }]) },
      /cqa_test\.json:1: expected 5 texts in "choices", got an array of 1/,
    ],
    [
      'a label that is none',
      'anli1',
      { ...NLI_FILES, 'anli1/anli1_test.json': linesOf([{ premise: 'p', hypothesis: 'h', label: 3 }]) },
      /expected 0, 1, 2 or one of entailment, neutral, contradiction in "label", got 3/,
    ],
  ];
  for (const [what, name, files, message] of broken) {
    it(`is refused with the place and what is wrong: ${what}`, async () => {
      const { problem } = await factsOf(name, files);
      assert.match(problem?.message ?? '', message);
    });
  }
});

describe('asdiv, which is trained together with svamp', () => {
  it("is both datasets' rows and outputs, and tested on svamp's", async () => {
    const { source, trainRows, problem, teachers } = await factsOf('asdiv', ASDIV_FILES, 'palm');
    assert.deepEqual([problem, trainRows, source.metric], [null, 23, 'equation']);
    assert.deepEqual(
      [...source.files, ...(teachers.palm?.files ?? [])].map(({ path, role }) => `${role} ${path}`),
      [
        'train svamp/svamp_train.json',
        'train asdiv/asdiv_train.json',
        'test svamp/svamp_test.json',
        'teacher svamp/llm/train_CoT_0.json',
        'teacher svamp/llm/train_CoT_1.json',
        'teacher asdiv/llm/train_CoT_0.json',
      ],
    );
    // Two of its three rows have an output.
    assert.deepEqual([teachers.palm?.rows, teachers.palm?.rationales], [22, null]);
  });

  it('has no outputs of a teacher that one of the two lacks', async () => {
    const { problem, teachers } = await factsOf('asdiv', without(ASDIV_FILES, 'asdiv/llm/train_CoT_0.json'), 'palm');
    assert.equal(problem, null);
    assert.match(
      teachers.palm?.labels?.message ?? '',
      /dataset "asdiv" lacks outputs of palm: there is no asdiv\/llm\/train_CoT_0/,
    );
  });

  it("holds each part's outputs against its own rows", async () => {
    const files = { ...ASDIV_FILES, 'svamp/llm/train_CoT_1.json': Array(9).fill('x') };
    const { teachers } = await factsOf('asdiv', files, 'palm');
    assert.match(
      teachers.palm?.labels?.message ?? '',
      /expected at most 20 outputs, one for each training row, got 21/,
    );
  });

  it('needs svamp', async () => {
    const { problem } = await factsOf('asdiv', without(ASDIV_FILES, 'svamp/svamp_test.json'));
    assert.match(problem?.message ?? '', /dataset "asdiv" is not complete: there is no svamp\/svamp_test\.json in /);
  });

  it('needs an answer in each row', async () => {
    const rows = linesOf([ASDIV_ROW, { ...ASDIV_ROW, Answer: ' ' }]);
    const { problem } = await factsOf('asdiv', { ...ASDIV_FILES, 'asdiv/asdiv_train.json': rows });
    assert.match(problem?.message ?? '', /asdiv\/asdiv_train\.json:2: expected a number in "Answer", got " "/);
  });

  it("is a user's own where only the name is the same", async () => {
    const { source } = await factsOf('asdiv', { ...SVAMP_FILES, ...renamed(OWN_FILES, 'own', 'asdiv') });
    assert.equal(source.layout, 'folder');
  });
});

describe("a dataset of a user's own", () => {
  it('is known by its files and by how its rows read', async () => {
    const { source, trainRows, problem, teachers } = await factsOf('own', OWN_FILES);
    assert.deepEqual([problem, trainRows, source.layout, source.metric], [null, 20, 'folder', 'text']);
    assert.deepEqual(source.fields, { input: 'input', label: 'label', rationale: 'rationale', llm_label: 'llm_label' });
    assert.deepEqual(source.templates, { predict: 'predict: ', explain: 'explain: ' });
    assert.deepEqual([teachers.own?.files, teachers.own?.rationales, teachers.own?.labels], [[], null, null]);
  });

  it('says in dataset.yaml which fields are meant, how the input reads, and what counts as right', async () => {
    const rows = linesOf(Array(3).fill({ body: 'b', q: 'why?', label: '1' }));
    const files = {
      'own/train.jsonl': rows,
      'own/test.jsonl': rows,
      'own/dataset.yaml':
        'metric: equation\ntemplates: { input: "{body}\\n{q}", predict: "answer: " }\nfields: { rationale: why }\n',
    };
    const { source, problem, teachers } = await factsOf('own', files);
    assert.deepEqual([problem, source.metric, source.fields['rationale']], [null, 'equation', 'why']);
    assert.deepEqual(source.templates, { predict: 'answer: ', explain: 'explain: ', input: '{body}\n{q}' });
    assert.match(
      teachers.own?.rationales?.message ?? '',
      /dataset "own" has no rationales: own\/train\.jsonl has no field "why"/,
    );
    assert.equal(teachers.own?.labels?.code, 'DATASET_MISSING');
  });

  it('with a rationale missing in one row is refused to trials that read rationales, with the line', async () => {
    const rows = `${OWN_FILES['own/train.jsonl']}${JSON.stringify({ input: 'x', label: 'y', llm_label: 'y' })}\n`;
    const { problem, teachers } = await factsOf('own', { ...OWN_FILES, 'own/train.jsonl': rows });
    assert.deepEqual([problem, teachers.own?.labels], [null, null]);
    assert.match(teachers.own?.rationales?.message ?? '', /own\/train\.jsonl:21: expected a field "rationale"/);
  });

  it('may bear the name of one of the release', async () => {
    assert.equal((await factsOf('cqa', renamed(OWN_FILES, 'own', 'cqa'))).source.layout, 'folder');
  });

  const TAUGHT = { input: 'q', label: 'y', palm_why: 'p', palm_label: 'y', why: 'h' };
  const TAUGHT_FILES = {
    'own/train.jsonl': linesOf(Array(3).fill(TAUGHT)),
    'own/test.jsonl': linesOf([{ input: 'q', label: 'y', why: 5 }]),
    'own/dataset.yaml':
      'teachers:\n  palm: { rationale: palm_why, llm_label: palm_label }\n  human: { rationale: why }\n',
  };

  it('may name several teachers; which fields are read is a matter of the teacher', async () => {
    const { source, problem, declaredTeachers, teachers } = await factsOf('own', TAUGHT_FILES);
    assert.deepEqual([problem, declaredTeachers, teachers.own], [null, ['palm', 'human'], undefined]);
    assert.deepEqual(source.fields, { input: 'input', label: 'label' });
    assert.deepEqual(teachers.palm?.fields, { rationale: 'palm_why', llm_label: 'palm_label' });
    assert.deepEqual([teachers.palm?.rationales, teachers.palm?.labels, teachers.palm?.rows], [null, null, 3]);
    assert.deepEqual([teachers['human']?.fields, teachers['human']?.rationales], [{ rationale: 'why' }, null]);
    assert.match(
      teachers['human']?.labels?.message ?? '',
      /dataset "own" has no teacher's labels of human: dataset\.yaml names no field for them/,
    );
  });

  it('is refused to trials that read a teacher with a wrong row alone', async () => {
    const rows = linesOf([TAUGHT, { ...TAUGHT, why: null }]);
    const { problem, teachers } = await factsOf('own', { ...TAUGHT_FILES, 'own/train.jsonl': rows });
    assert.deepEqual([problem, teachers.palm?.rationales], [null, null]);
    assert.match(
      teachers['human']?.rationales?.message ?? '',
      /own\/train\.jsonl:2: expected a text in "why", got null/,
    );
    const absent = await factsOf('own', {
      ...TAUGHT_FILES,
      'own/train.jsonl': linesOf([{ ...TAUGHT, why: undefined }]),
    });
    assert.match(
      absent.teachers['human']?.rationales?.message ?? '',
      /dataset "own" has no rationales of human: own\/train\.jsonl has no field "why"/,
    );
  });

  it('may name the answers that it allows, for all rows or row by row', async () => {
    const test = (rows: readonly unknown[], yaml: string) =>
      factsOf('own', { ...OWN_FILES, 'own/test.jsonl': linesOf(rows), 'own/dataset.yaml': yaml });
    const row = { input: 'q', label: 'yes', options: ['yes', 'no'] };
    const all = await test([row], 'choices: [yes, no]');
    assert.deepEqual([all.problem, all.source.choices, all.source.fields['choices']], [null, ['yes', 'no'], undefined]);
    const each = await test([row], 'fields: { choices: options }');
    assert.deepEqual([each.problem, each.source.choices, each.source.fields['choices']], [null, [], 'options']);
    const wrong: readonly [object, string, RegExp][] = [
      [{ label: 'maybe' }, 'choices: [yes, no]', /test\.jsonl:1: expected one of yes, no in "label", got "maybe"/],
      [{ label: 'maybe' }, 'fields: { choices: options }', /expected one of yes, no in "label", got "maybe"/],
      [{ options: [] }, 'fields: { choices: options }', /expected texts in "options", got an array of 0/],
      [{ options: undefined }, 'fields: { choices: options }', /expected texts in "options", got null/],
      [{ options: ['yes', 2] }, 'fields: { choices: options }', /expected a text in "options\[1\]", got 2/],
    ];
    for (const [change, yaml, message] of wrong) {
      assert.match((await test([{ ...row, ...change }], yaml)).problem?.message ?? '', message);
    }
  });

  const broken: readonly [string, Readonly<Record<string, unknown>>, RegExp][] = [
    ['nothing, with a name that is nearly right', { 'owner/train.jsonl': '' }, /there is no dataset "own" in /],
    ['no test split', without(OWN_FILES, 'own/test.jsonl'), /there is no own\/test\.jsonl/],
    [
      'a row without an input',
      { ...OWN_FILES, 'own/test.jsonl': '{"label":"x"}\n' },
      /own\/test\.jsonl:1: expected a field "input", got only label/,
    ],
    [
      'a template with a field that no row has',
      { ...OWN_FILES, 'own/dataset.yaml': 'templates: { input: "{boddy}" }' },
      /own\/train\.jsonl:1: expected a field "boddy"/,
    ],
    [
      'an unknown key in dataset.yaml',
      { ...OWN_FILES, 'own/dataset.yaml': 'metric: text\nfeilds: {}\n' },
      /own\/dataset\.yaml:2:1: feilds: unknown key/,
    ],
    [
      'an unknown metric',
      { ...OWN_FILES, 'own/dataset.yaml': 'metric: bleu\n' },
      /own\/dataset\.yaml:1:9: metric: expected text or equation/,
    ],
    [
      'a template that puts no field into the input',
      { ...OWN_FILES, 'own/dataset.yaml': 'templates: { input: "{question" }' },
      /own\/dataset\.yaml:1:21: templates\.input: expected a text with the name of a field in braces/,
    ],
    [
      'a dataset.yaml that is a list',
      { ...OWN_FILES, 'own/dataset.yaml': '- metric\n' },
      /own\/dataset\.yaml:1:1: expected a mapping with metric, fields, templates/,
    ],
    [
      'a dataset.yaml without anything',
      { ...OWN_FILES, 'own/dataset.yaml': '# nothing\n' },
      /own\/dataset\.yaml:1:1: the file is empty/,
    ],
    [
      'a key that is given twice',
      { ...OWN_FILES, 'own/dataset.yaml': 'metric: text\nmetric: text\n' },
      /own\/dataset\.yaml:2:1: the key "metric" is given twice/,
    ],
    [
      "a teacher's field beside named teachers",
      { ...OWN_FILES, 'own/dataset.yaml': 'teachers: { a: { rationale: x } }\nfields: { rationale: y }\n' },
      /own\/dataset\.yaml:2:22: fields\.rationale: expected this within one of the teachers/,
    ],
    [
      'teachers without one',
      { ...OWN_FILES, 'own/dataset.yaml': 'teachers: {}\n' },
      /own\/dataset\.yaml:1:11: teachers: expected at least one teacher/,
    ],
    [
      'a teacher without fields',
      { ...OWN_FILES, 'own/dataset.yaml': 'teachers: { a: {} }\n' },
      /own\/dataset\.yaml:1:16: teachers\.a: expected rationale or llm_label/,
    ],
    [
      'a teacher called none',
      { ...OWN_FILES, 'own/dataset.yaml': 'teachers: { none: { rationale: x } }\n' },
      /teachers\.none: expected a name of letters, digits and \._-, other than none/,
    ],
    [
      'one choice',
      { ...OWN_FILES, 'own/dataset.yaml': 'choices: [a]\n' },
      /own\/dataset\.yaml:1:10: choices: expected at least two different texts/,
    ],
    [
      'a choice that is no text',
      { ...OWN_FILES, 'own/dataset.yaml': 'choices: [a, 1]\n' },
      /own\/dataset\.yaml:1:14: choices\[1\]: expected a text; write numbers, and words such as true, in quotes/,
    ],
    [
      'choices of all rows and of each',
      { ...OWN_FILES, 'own/dataset.yaml': 'choices: [a, b]\nfields: { choices: c }\n' },
      /own\/dataset\.yaml:2:20: fields\.choices: expected either this or choices, got both/,
    ],
    [
      'a folder where a split should be',
      { ...without(OWN_FILES, 'own/train.jsonl'), 'own/train.jsonl/x': '' },
      /own\/train\.jsonl: expected a file, got a folder/,
    ],
    ['a dataset.yaml that is no YAML', { ...OWN_FILES, 'own/dataset.yaml': 'a: [\n' }, /own\/dataset\.yaml:\d+:\d+: /],
  ];
  for (const [what, files, message] of broken) {
    it(`is refused with the place and what is wrong: ${what}`, async () => {
      const { problem } = await factsOf('own', files);
      assert.match(problem?.message ?? '', message);
    });
  }
});
