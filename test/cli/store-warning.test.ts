import assert from 'node:assert/strict';
import { withoutStoreLineAt } from '../../orchestrator/cli/server/store-warning.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';

describe('a plan', () => {
  it('warns of what is lost with a machine where the control plane that serves has no store', async () => {
    await using test = await TestPlane.start({ serves: true, storeListenOn: null });
    assert.match((await withoutStoreLineAt(test.home)) ?? '', /begins at step 0 elsewhere/);
  });

  it('warns of nothing where it has one, or where nobody serves', async () => {
    await using serving = await TestPlane.start({ serves: true });
    assert.equal(await withoutStoreLineAt(serving.home), null);
    await using other = await TestPlane.start({ storeListenOn: null });
    assert.equal(await withoutStoreLineAt(other.home), null);
    using folder = temporaryFolder();
    assert.equal(await withoutStoreLineAt(folder.path), null);
  });
});
