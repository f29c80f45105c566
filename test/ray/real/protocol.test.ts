import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { errorOfPickle, textOfPickle } from '../../../orchestrator/launchers/ray/client/pickle-scan.js';
import { REPOSITORY, temporaryFolder } from '../../support/dss.js';
import { GOLDEN_PICKLES } from '../support/golden-pickles.js';
import { rayEnvironment } from '../support/ray-environment.js';

const DESCRIPTOR = join(REPOSITORY, 'test/ray/support/descriptor.py');

/** What Ray's own Python prints. */
function python(...args: readonly string[]): string {
  return execFileSync(join(rayEnvironment(), 'python'), args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
}

function factsOf(source: string): Readonly<Record<string, string>> {
  return JSON.parse(python(DESCRIPTOR, source)) as Record<string, string>;
}

describe("Ray's client protocol as we have restated it", () => {
  it('has every field, enum value and method as the installed Ray has it', () => {
    using folder = temporaryFolder();
    const set = join(folder.path, 'ray.pb');
    const protoc = join(REPOSITORY, 'node_modules/.bin/protoc');
    execFileSync(protoc, [`--descriptor_set_out=${set}`, '-I', join(REPOSITORY, 'proto'), 'ray/ray_client.proto']);
    const [ours, theirs] = [factsOf(set), factsOf('ray')];
    assert.ok(Object.keys(ours).length > 80);
    assert.deepEqual(ours, Object.fromEntries(Object.keys(ours).map((name) => [name, theirs[name]])));
  });
});

describe('pickles that we write', () => {
  const READ =
    'import pickle, sys\nv = pickle.loads(bytes.fromhex(sys.argv[1]))\n' +
    'print((v.runtime_env, v.ray_namespace, v._client_job) if type(v).__name__ == "JobConfig" else repr(v))';
  for (const { what, hex, value } of GOLDEN_PICKLES) {
    it(`mean ${what} to Python`, () => assert.equal(python('-c', READ, hex).trim(), value));
  }
});

describe('pickles that are read', () => {
  it('give the text that they are, and nothing when they are an object', () => {
    const code = `
import pickle, json
from ray import cloudpickle
for value in ['{"pid": 1}', 'é' * 300, True, ['a', 'b'], ValueError('no'), json.JSONDecodeError('bad', 'x', 0)]:
    for dumps in (pickle.dumps, cloudpickle.dumps):
        print(dumps(value).hex())
`;
    const texts = python('-c', code)
      .trim()
      .split('\n')
      .map((hex) => textOfPickle(Buffer.from(hex, 'hex')));
    const plain = ['{"pid": 1}', 'é'.repeat(300), null, null, null, null];
    assert.deepEqual(
      texts,
      plain.flatMap((text) => [text, text]),
    );
  });

  it('say what went wrong, by the inner error that Ray has wrapped', () => {
    const code = `
import pickle, ray
from ray.exceptions import RayTaskError
cause = ModuleNotFoundError("No module named 'dss_worker'")
error = RayTaskError("look", "Traceback ...\\nModuleNotFoundError: No module named 'dss_worker'", cause)
print(pickle.dumps(cause).hex())
print(ray.cloudpickle.dumps(error).hex())
`;
    for (const hex of python('-c', code).trim().split('\n')) {
      const { name, message } = errorOfPickle(Buffer.from(hex, 'hex'));
      assert.equal(name, 'ModuleNotFoundError');
      assert.match(message, /No module named 'dss_worker'$/);
    }
  });
});
