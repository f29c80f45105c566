import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPython, pythonPath } from '../../orchestrator/cli/python.js';
import { readWorkerCode } from '../../orchestrator/launchers/ray/worker-code.js';
import { temporaryFolder } from '../support/dss.js';

describe("the worker's code as a cluster gets it", () => {
  it('is the same package for the same sources, and Python imports the worker from it', () => {
    using folder = temporaryFolder();
    const { name, zip } = readWorkerCode(pythonPath());
    assert.deepEqual(readWorkerCode(pythonPath()), { name, zip });
    assert.match(name, /^_ray_pkg_[0-9a-f]{32}\.zip$/);
    assert.ok(zip.length < 2 ** 20, `${zip.length} bytes`);
    const path = join(folder.path, name);
    writeFileSync(path, zip);
    const code = `
import sys, zipfile
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])
sys.path.insert(0, sys.argv[2])
import dss_worker.agent.main, dss_worker.ray_actor
print(dss_worker.agent.main.__file__.startswith(sys.argv[2]))
`;
    const said = execFileSync(findPython(), ['-P', '-c', code, path, folder.path], { encoding: 'utf8' });
    assert.equal(said.trim(), 'True');
  });
});
