/** What auditors and lock files say, as findings: pure, so that tests can hold answers of every kind against it. */

/** @typedef {import('./findings.mjs').Asked} Asked */

const SERIOUS = new Set(['high', 'critical']);

/**
 * @param {string} text of `npm audit --json`
 * @returns {Asked}
 */
export function npmFindings(text) {
  const answer = parsed(text);
  if (answer === null) return { notAsked: ['npm audit said nothing that can be read'], found: [], packages: 0 };
  if (answer.auditReportVersion === undefined) {
    const why = answer.message ?? answer.error?.summary ?? 'npm audit has no answer';
    return { notAsked: [withoutHost(String(why))], found: [], packages: 0 };
  }
  /** @type {readonly { name: string, severity: string, range: string }[]} */
  const all = Object.values(answer.vulnerabilities ?? {});
  const found = all
    .filter(({ severity }) => SERIOUS.has(severity))
    .map(({ name, severity, range }) => `${name} ${range}: ${severity}`);
  return { notAsked: [], found, packages: answer.metadata?.dependencies?.total ?? 0 };
}

/**
 * @param {string} text of `pip-audit -f json`; advisories of Python have no severity that all of them say, so each counts
 * @returns {Asked}
 */
export function pythonFindings(text) {
  const answer = parsed(text);
  if (!Array.isArray(answer?.dependencies)) {
    return { notAsked: ['pip-audit said nothing that can be read'], found: [], packages: 0 };
  }
  /** @type {readonly { name: string, version?: string, skip_reason?: string, vulns?: readonly { id: string, fix_versions: readonly string[] }[] }[]} */
  const all = answer.dependencies;
  const skipped = all.filter(({ skip_reason: why }) => why !== undefined);
  const found = all.flatMap(({ name, version, vulns = [] }) =>
    vulns.map(({ id, fix_versions: fixed }) => {
      return `${name} ${version}: ${id}${fixed.length === 0 ? '' : `, mended in ${fixed.join(', ')}`}`;
    }),
  );
  const notAsked = skipped.length === 0 ? [] : [`${skipped.length} of ${all.length} packages are not known there`];
  return { notAsked, found, packages: all.length - skipped.length };
}

/** Under which what we ship may be given on. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'OFL-1.1', // of fonts, which may be embedded in what anybody makes
  'Python-2.0',
  'Unlicense',
]);

/** Of packages that say it in a file only, which was looked at. */
const IN_A_FILE = new Map([['png-js 2.0.0', 'MIT']]);

/**
 * @param {string} text of package-lock.json
 * @returns {readonly string[]} packages that are shipped under another licence than those, or under none
 */
export function licenceProblems(text) {
  /** @type {Readonly<Record<string, { license?: string, dev?: boolean, version?: string }>>} */
  const packages = JSON.parse(text).packages;
  return Object.entries(packages).flatMap(([path, { license, dev = false, version }]) => {
    const name = `${path.replace(/^.*node_modules\//, '')} ${version}`;
    const licence = license ?? IN_A_FILE.get(name) ?? 'no licence';
    return path === '' || dev || isAllowed(licence) ? [] : [`${name}: ${licence}`];
  });
}

/**
 * Of `A OR B` one is enough, of `A AND B` all are needed.
 *
 * @param {string} expression
 */
function isAllowed(expression) {
  const plain = expression.replace(/^\((.*)\)$/, '$1');
  return plain.split(' OR ').some((each) => each.split(' AND ').every((name) => ALLOWED.has(name)));
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Which registry it is, is nobody's business but of whoever set it.
 *
 * @param {string} text
 */
function withoutHost(text) {
  return text.replace(/https?:\/\/[^\s/]+/g, '…');
}
