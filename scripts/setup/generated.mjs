/** The code generated from proto/ is committed; it is made again here only if a file of it is gone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { ROOT, WORKER } from './paths.mjs';
import { filesBelow } from './stamp.mjs';

/** @type {import('./part.mjs').Part} */
export const generatedCode = {
  name: 'generated code',
  isCurrent: async () =>
    filesBelow(join(ROOT, 'proto'))
      .filter((file) => file.endsWith('.proto'))
      .map((file) => file.slice(0, -'.proto'.length))
      .every(
        (name) =>
          existsSync(join(ROOT, 'orchestrator/wire/generated', `${name}.ts`)) &&
          existsSync(join(WORKER, 'dss_worker/agent/generated', `${name}_pb2.py`)),
      ),
  async make({ signal }) {
    await run(process.execPath, [join(ROOT, 'scripts/generate.mjs')], { signal });
    return 'generated from proto/';
  },
};
