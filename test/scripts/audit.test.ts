import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { licenceProblems, npmFindings, pythonFindings } from '../../scripts/audit/findings.mjs';
import { REPOSITORY } from '../support/dss.js';

const lockOf = (packages: Readonly<Record<string, object>>) => JSON.stringify({ packages: { '': {}, ...packages } });

describe('the audit of what is locked', () => {
  it('names what npm calls high or critical, and nothing below', () => {
    const vulnerabilities = Object.fromEntries(
      ['low', 'moderate', 'high', 'critical'].map((severity) => [severity, { name: severity, severity, range: '<2' }]),
    );
    const text = JSON.stringify({ auditReportVersion: 2, vulnerabilities, metadata: { dependencies: { total: 9 } } });
    assert.deepEqual(npmFindings(text), {
      notAsked: [],
      found: ['high <2: high', 'critical <2: critical'],
      packages: 9,
    });
  });

  it('says so where the registry has no answer, without the registry', () => {
    const message = '405 Method Not Allowed - POST https://registry.example/-/npm/v1/security/advisories/bulk';
    const { notAsked, found, packages } = npmFindings(JSON.stringify({ message, method: 'POST' }));
    assert.deepEqual(notAsked, ['405 Method Not Allowed - POST …/-/npm/v1/security/advisories/bulk']);
    assert.deepEqual([found, packages], [[], 0]);
  });

  for (const text of ['', 'npm ERR! network', '[]', '{}', 'null']) {
    it(`takes ${JSON.stringify(text)} for no answer, and not for a good one`, () => {
      assert.equal(npmFindings(text).notAsked.length, 1);
      assert.equal(pythonFindings(text).notAsked.length, 1);
    });
  }

  it('names every advisory of a Python package, and counts those that nobody could be asked about', () => {
    const dependencies = [
      { name: 'torch', version: '1.0', vulns: [{ id: 'PYSEC-1', fix_versions: ['2.0'] }] },
      { name: 'numpy', version: '2.0', vulns: [{ id: 'GHSA-1', fix_versions: [] }] },
      { name: 'grpcio', version: '1.0', vulns: [] },
      { name: 'uv', skip_reason: 'Dependency not found on PyPI and could not be audited' },
    ];
    assert.deepEqual(pythonFindings(JSON.stringify({ dependencies })), {
      notAsked: ['1 of 4 packages are not known there'],
      found: ['torch 1.0: PYSEC-1, mended in 2.0', 'numpy 2.0: GHSA-1'],
      packages: 3,
    });
  });

  it('finds shipped packages whose licence is not allowed or not said, and lets those of the tools be', () => {
    const lock = lockOf({
      'node_modules/a': { version: '1.0.0', license: 'MIT' },
      'node_modules/b': { version: '1.0.0', license: '(GPL-3.0 OR Apache-2.0)' },
      'node_modules/c': { version: '1.0.0', license: '(MIT AND GPL-3.0)' },
      'node_modules/a/node_modules/d': { version: '2.0.0' },
      'node_modules/e': { version: '1.0.0', license: 'GPL-3.0', dev: true },
    });
    assert.deepEqual(licenceProblems(lock), ['c 1.0.0: (MIT AND GPL-3.0)', 'd 2.0.0: no licence']);
  });

  it('has nothing against the licences of what is shipped', () => {
    assert.deepEqual(licenceProblems(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')), []);
  });
});
