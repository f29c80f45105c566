/**
 * `npm run audit`: whether anything that is locked has a known vulnerability (npm's of severity high and above, Python's of
 * any), and whether what is shipped is under licences that allow it. Registries that cannot be asked are named and fail
 * nothing: the answer of tomorrow is none of this commit's. With `--strict` they do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { licenceProblems, npmFindings, pythonFindings } from './audit/findings.mjs';
import { ROOT, VENV, WORKER } from './setup/paths.mjs';

const PIP_AUDIT = 'pip-audit==2.10.1';
const WITHIN_MS = 300_000;

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
function said(program, args) {
  const { stdout, error } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8', timeout: WITHIN_MS });
  return error === undefined ? stdout : '';
}

/** @returns {import('./audit/findings.mjs').Asked} */
function askPython() {
  const uv = join(VENV, 'bin', 'uv');
  if (!existsSync(uv)) return { notAsked: ['there is no uv: npm run setup'], found: [], packages: 0 };
  const audit = [
    'tool',
    'run',
    '--quiet',
    '--from',
    PIP_AUDIT,
    'pip-audit',
    '--format',
    'json',
    '--progress-spinner',
    'off',
  ];
  return pythonFindings(said(uv, [...audit, '--disable-pip', '-r', join(WORKER, 'requirements.lock')]));
}

const isStrict = process.argv.includes('--strict');
let status = 0;
for (const [name, { notAsked, found, packages }] of /** @type {const} */ ([
  ['npm', npmFindings(said('npm', ['audit', '--json', '--package-lock-only']))],
  ['python', askPython()],
])) {
  if (packages > 0) console.log(`${name}: ${found.length} known vulnerabilities in ${packages} packages`);
  for (const each of found) console.log(`  ${each}`);
  for (const why of notAsked) console.log(`${name}: COULD NOT BE ASKED: ${why}`);
  if (found.length > 0 || (isStrict && notAsked.length > 0)) status = 1;
}
const problems = licenceProblems(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
console.log(`licences: ${problems.length} of what is shipped that are not on the list`);
for (const each of problems) console.log(`  ${each}`);
process.exitCode = problems.length > 0 ? 1 : status;
