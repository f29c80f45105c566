import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { REPOSITORY, runDss, startDss, temporaryFolder } from '../support/dss.js';

const COMMANDS = [
  'sweep',
  'run',
  'plan',
  'status',
  'logs',
  'results',
  'report',
  'export',
  'cancel',
  'retry',
  'pause',
  'resume',
  'serve',
  'stop',
  'worker',
  'data',
  'data check',
  'data import',
  'data make',
  'models',
  'models import',
  'models list',
  'ray',
  'ray clean',
  'auth',
  'auth init',
  'auth show',
  'auth token',
  'auth token create',
  'auth token list',
  'auth token revoke',
  'auth pool',
  'auth pool create',
  'auth pool list',
  'auth pool revoke',
  'tracking',
  'tracking mlflow',
  'tracking tensorboard',
  'tracking wandb',
  'verify',
  'watch',
  'debug',
  'debug bundle',
  'doctor',
  'backup',
  'completion',
];

/** They run on, print a script, or do nothing by themselves. */
const NO_ANSWER = new Set([
  ...['completion', 'serve', 'worker'],
  ...['auth', 'auth token', 'auth pool', 'data', 'debug', 'models', 'ray', 'tracking'],
]);

describe('dss', () => {
  it('shows all commands and the exit codes with --help', async () => {
    const { code, stdout, stderr } = await runDss(['--help']);
    assert.deepEqual([code, stderr], [0, '']);
    for (const command of COMMANDS) assert.ok(stdout.includes(`dss ${command.split(' ')[0]}`), `${command} is missing`);
    assert.match(stdout, /0 all trials done, 1 some failed, 2 wrong use, 75 try again, 129, 130 and 143/);
  });

  it('shows its version', async () => {
    const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
    assert.equal((await runDss(['--version'])).stdout.trim(), version);
  });

  for (const command of COMMANDS) {
    it(`explains ${command} with an example`, async () => {
      const { code, stdout } = await runDss([...command.split(' '), '--help']);
      assert.equal(code, 0);
      assert.match(stdout, /Examples:\n {2}\S/);
      if (!NO_ANSWER.has(command)) assert.match(stdout, /--json/);
      assert.doesNotMatch(stdout, /\S\[(?:boolean|number|string|choices)/, 'a description runs into its type');
    });
  }

  const mistakes: readonly [string, RegExp][] = [
    ['', /a command is missing/],
    ['swep x.yaml', /there is no command "swep"\n {2}did you mean sweep\?/],
    ['frobnicate', /there is no command "frobnicate"/],
    ['sweep', /an argument is missing: <file>\n {2}see `dss sweep --help`/],
    ['sweep a.yaml b.yaml', /"b.yaml" is one word too many/],
    ['sweep a.yaml --wrokers 2', /there is no flag --wrokers\n {2}did you mean --workers\?/],
    ['sweep a.yaml --log-level loud', /--log-level: expected error or warn or info or debug, got "loud"/],
    ['run', /--dataset is missing\n {2}see `dss run --help`/],
    ['run --dataset cqa --max-steps 3', /there is no flag --max-steps\n {2}did you mean --max_steps\?/],
    ['run --dataset', /--dataset: expected a value, got nothing/],
    ['run --dataset a --dataset b', /--dataset is given 2 times: a, b/],
    ['run --dataset a --keep all', /--keep: expected none or last or best, got "all"/],
    ['run --dataset a --lora_rank x', /--lora_rank: expected a number, got "x"\n/],
    ['run --dataset a --lr=fast', /--lr: expected a number, got "fast"\n/],
    ['run --dataset a --run x', /--run: expected a number, got "x"\n/],
    ['data', /one of check, import, make is missing/],
    ['data make anli', /name: expected svamp, got "anli"\n {2}see `dss data make --help`/],
    ['models', /one of import, list is missing/],
    ['models import', /an argument is missing: <model>\n {2}see `dss models import --help`/],
    ['models imprt x', /there is no command "models imprt"\n {2}did you mean import\?/],
    ['data chek', /there is no command "data chek"\n {2}did you mean check\? see `dss data --help`/],
    ['data check', /an argument is missing: <names>\n {2}see `dss data check --help`/],
    ['auth tokn', /there is no command "auth tokn"\n {2}did you mean token\? see `dss auth --help`/],
    ['auth token lst', /there is no command "auth token lst"\n {2}did you mean list\? see `dss auth token --help`/],
    ['ray foo', /there is no command "ray foo"\n {2}see `dss ray --help`/],
    ['debug bundel', /there is no command "debug bundel"\n {2}did you mean bundle\?/],
    ['tracking foo', /there is no command "tracking foo"\n {2}see `dss tracking --help`/],
    ['ls', /there is no command "ls"\n {2}did you mean `dss status`\? see `dss --help`/],
    ['delete x', /there is no command "delete"\n {2}did you mean `dss cancel SWEEP`\?/],
    ['version', /there is no command "version"\n {2}did you mean `dss --version`\?/],
    ['sweep a.yaml --dry-run', /there is no flag --dry-run\n {2}did you mean `dss plan FILE`\? see `dss sweep --help`/],
    ['run --dataset a --learning-rate 3', /there is no flag --learning-rate\n {2}did you mean --lr\? see/],
    [
      'run --dataset a --epochs 3',
      /did you mean --max_steps\? it counts optimizer steps, not epochs; see `dss run --help`/,
    ],
    ['plan a.yaml --price', /--price: expected a value, got nothing/],
    ['plan a.yaml --price=much', /--price: expected a number, got "much"\n/],
    ['plan --jsn a.yaml', /there is no flag --jsn\n {2}did you mean --json\?/],
    ['-v', /there is no flag -v/],
    ['logs', /an argument is missing: <trial>/],
    ['results nothing', /there is no sweep "nothing"/],
    ['report nothing', /there is no sweep "nothing"/],
    ['cancel nothing', /there is no sweep "nothing"/],
    ['status nothing', /there is no sweep "nothing"/],
    ['logs 3f2a', /there is no trial whose id begins with "3f2a"/],
    ['export 3f2a', /an argument is missing: <dir>\n {2}see `dss export --help`/],
    ['export 3f2a out', /there is no trial whose id begins with "3f2a"/],
    ['logs ../../etc/passwd', /there is no trial whose id begins with "..\/..\/etc\/passwd"/],
  ];
  for (const [line, message] of mistakes) {
    it(`answers a mistake with what is wrong and exit code 2: dss ${line}`, async () => {
      using folder = temporaryFolder();
      const words = line.split(' ').filter((word) => word !== '');
      const { code, stdout, stderr } = await runDss(words, { env: { DSS_HOME: folder.path } });
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [2, '']);
    });
  }

  it('gives a mistake as one JSON document with --json, and as text on stderr', async () => {
    using folder = temporaryFolder();
    const { code, stdout, stderr } = await runDss(['results', 'nothing', '--json'], { env: { DSS_HOME: folder.path } });
    assert.equal(code, 2);
    assert.equal(JSON.parse(stdout).error.code, 'SWEEP_UNKNOWN');
    assert.match(stderr, /there is no sweep "nothing"/);
  });

  it('goes on when nobody reads what it says on stderr', async () => {
    using folder = temporaryFolder();
    const dss = startDss(['results', 'nothing', '--json'], { env: { DSS_HOME: folder.path } });
    dss.process.stderr?.destroy();
    const { code, stdout } = await dss.finished;
    assert.deepEqual([code, JSON.parse(stdout).error.code], [2, 'SWEEP_UNKNOWN']);
  });

  it('offers a run of one cell no flag that it has not, and no folder that it does not use', async () => {
    using folder = temporaryFolder();
    const words = ['run', '--dataset', 'none', '--model', './none', '--datasets', folder.path];
    const { code, stderr } = await runDss(words, { env: { DSS_HOME: folder.path } });
    assert.equal(code, 2);
    assert.match(stderr, /"\.\/none" leads, from the sweep file's folder or, in `dss run`, from here/);
    assert.match(stderr, /1 of 1 cells cannot run; nothing was started\n$/);
  });

  it('says that nothing has run in a state folder that is not there', async () => {
    using folder = temporaryFolder();
    const env = { DSS_HOME: join(folder.path, 'none') };
    assert.match((await runDss(['status'], { env })).stdout, /no sweep has run yet/);
    assert.deepEqual(JSON.parse((await runDss(['status', '--json'], { env })).stdout), {
      control_plane: null,
      sweeps: [],
      workers: null,
      notices: [],
    });
  });

  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`prints a completion script for ${shell}`, async () => {
      const { code, stdout } = await runDss(['completion', shell]);
      assert.equal(code, 0);
      assert.match(stdout, /dss --get-yargs-completions/);
    });
  }

  it('completes commands and flags', async () => {
    const ask = async (...words: string[]) =>
      (await runDss(['--get-yargs-completions', 'dss', ...words], { env: { SHELL: '/bin/bash' } })).stdout.split('\n');
    assert.ok((await ask('')).includes('sweep'));
    assert.ok((await ask('run', '--')).includes('--batch_size'));
  });
});

describe('what every call of dss loads', () => {
  it('is yargs and light files: help and mistakes wait for nothing else', () => {
    const light = ['yargs', 'yargs/helpers', 'node:fs', 'node:path', 'node:os', 'node:url', 'node:child_process'];
    const main = join(REPOSITORY, 'orchestrator/cli/main.ts');
    const found = new Set(importsOf(main));
    const commands = [...readFileSync(main, 'utf8').matchAll(/import\('\.\/([a-z/-]+)\.js'\)/g)].map(
      ([, name = '']) => name,
    );
    assert.ok(commands.includes('watch/status'));
    for (const name of commands) importsOf(join(dirname(main), `${name}.ts`), new Set(), found);
    assert.deepEqual([...found].filter((name) => !light.includes(name)).sort(), []);
  });
});

/** Packages that a file loads at once, with what it imports; types and imports on demand do not count. */
function importsOf(file: string, seen = new Set<string>(), packages = new Set<string>()): Set<string> {
  if (seen.has(file)) return packages;
  seen.add(file);
  for (const [, what = '', from = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export) ([^;]*?) from '([^']+)'/gms,
  )) {
    if (what.startsWith('type ')) continue;
    if (from.startsWith('.')) importsOf(join(dirname(file), from.replace(/\.js$/, '.ts')), seen, packages);
    else packages.add(from);
  }
  return packages;
}
