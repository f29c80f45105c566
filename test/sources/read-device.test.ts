import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDevice } from '../../orchestrator/sources/read-device.js';
import { temporaryFolder } from '../support/dss.js';

async function read(text: string) {
  using folder = temporaryFolder();
  const file = join(folder.path, 'mine.yaml');
  writeFileSync(file, text);
  return await readDevice(file);
}

describe('a device file', () => {
  it('has what the catalogue has', async () => {
    const text = 'name: mine\nmemory_gib: 48\npeak_tflops: {bf16: 300}\nper_machine: 4\nprice_per_hour: 1.5\n';
    assert.deepEqual(await read(text), {
      name: 'mine',
      kind: 'cuda',
      memoryBytes: 48 * 2 ** 30,
      peakFlops: { bf16: 300e12 },
      perMachine: 4,
      pricePerHour: 1.5,
      source: 'the user',
      isVerified: false,
    });
  });

  const WRONG: readonly (readonly [string, RegExp])[] = [
    ['memory_gib: 48\n', /name: /],
    ['name: mine\n', /memory_gib: expected a number/],
    ['name: mine\nmemory_gib: -1\n', /memory_gib: expected a number above 0/],
    ['name: mine\nmemory_gib: 48\npeak_tflops: {fp8: 1}\n', /peak_tflops: .*fp8/],
    ['name: a b\nmemory_gib: 48\n', /name: expected letters/],
    ['[]\n', /the file: /],
  ];
  for (const [text, message] of WRONG) {
    it(`is refused: ${JSON.stringify(text)}`, () => assert.rejects(read(text), { code: 'SPEC_INVALID', message }));
  }
});
